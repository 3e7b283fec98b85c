import { expect, test } from "bun:test";

import { maskAt, Masker, secretsAt, withoutPayload } from "../../engine/core/mask.ts";

const learnt = (value: Parameters<typeof secretsAt>[0], paths: readonly (readonly string[])[]) => {
  const secrets = { texts: new Set<string>(), numbers: new Set<number>() };
  secretsAt(value, paths, secrets);
  return secrets;
};

test("what stands at or below a path is masked, in each item of a list; null stays, and so does the rest", () => {
  const value = { a: { b: "x", c: 1 }, list: [{ b: "y" }, { b: null }], d: "z" };
  expect(
    maskAt(value, [
      ["a", "b"],
      ["list", "b"],
    ]),
  ).toEqual({ a: { b: "***", c: 1 }, list: [{ b: "***" }, { b: null }], d: "z" });
  expect(maskAt(value, [[]])).toBe("***");
  expect(maskAt(value, [])).toBe(value);
  expect(maskAt("text", [["a"]])).toBe("text");
});

test("texts and numbers are learnt, booleans, nulls and empty texts are not", () => {
  const value = { a: { b: "x", c: 1, d: true, e: null, f: "" }, list: ["p", 2], other: "q" };
  expect(learnt(value, [["a"], ["list"]])).toEqual({ texts: new Set(["x", "p"]), numbers: new Set([1, 2]) });
  expect(learnt(value, [["other", "below"]])).toEqual({ texts: new Set(), numbers: new Set() });
  expect(learnt(7, [["a"]])).toEqual({ texts: new Set(), numbers: new Set() });
  expect(learnt(value, [])).toEqual({ texts: new Set(), numbers: new Set() });
});

test("a secret is masked wherever it comes up, the longest first; a short one only where it is all there is", () => {
  const secrets = { texts: new Set(["Hanako", "Hanako Yamada", "M"]), numbers: new Set([4711, 7]) };
  expect(new Masker(secrets).text("M")).toBe("***");
  expect(new Masker(secrets).text("Mrs Hanako Yamada, pin 4711, 7 times")).toBe("Mrs ***, pin ***, 7 times");
  const value = { a: "Hanako", b: [4711, 8, true, null], M: "x" };
  expect(new Masker(secrets).value(value)).toEqual({ a: "***", b: ["***", 8, true, null], M: "x" });
  expect(new Masker({ texts: new Set(), numbers: new Set() }).value(value)).toBe(value);
});

test("a quoted text is shown as it is shown where it comes from, the longest first; a short one only where it is all there is", () => {
  const quoted = new Map([
    ["no Hanako", "no ***"],
    ["no Hanako in $& Kyoto", "no *** in $& ***"],
    ["M7", "***"],
  ]);
  const secrets = { texts: new Set(["Kyoto"]), numbers: new Set<number>(), quoted };
  expect(new Masker(secrets).text("M7")).toBe("***");
  expect(new Masker(secrets).text("AM7: no Hanako in $& Kyoto, no Hanako, Kyoto")).toBe(
    "AM7: no *** in $& ***, no ***, ***",
  );
  const value = { a: ["no Hanako", 1], b: "Hanako" };
  expect(new Masker({ texts: new Set(), numbers: new Set(), quoted }).value(value)).toEqual({
    a: ["no ***", 1],
    b: "Hanako",
  });
  expect(new Masker({ texts: new Set(), numbers: new Set(), quoted: new Map() }).value(value)).toBe(value);
});

test("a text for the log holds nothing of a payload", () => {
  expect(withoutPayload("cannot greet Hanako at 4711", { input: { name: "Hanako", pin: 4711 } })).toBe(
    "cannot greet *** at ***",
  );
});

test("of many secrets those in a short text are found too, the longest first, and the same text is masked the same again", () => {
  const texts = new Set(Array.from({ length: 200 }, (_, n) => `person ${n} of many`).concat("Yamada", "Hanako Yamada"));
  const masker = new Masker({ texts, numbers: new Set([4711]) });
  const text = "Hanako Yamada, 4711, met person 17 of many";
  expect([masker.text(text), masker.text(text), masker.text("ab")]).toEqual([
    "***, ***, met ***",
    "***, ***, met ***",
    "ab",
  ]);
  const long = `${"x".repeat(1_500)} Yamada`;
  expect(masker.text(long)).toBe(`${"x".repeat(1_500)} ***`);
  expect(new Masker({ texts: new Set(), numbers: new Set() }).text(text)).toBe(text);
  const told = Array.from({ length: 1_100 }, (_, n) => masker.text(`${n} Yamada`));
  expect(told).toEqual(Array.from({ length: 1_100 }, (_, n) => `${n} ***`));
});

test("however many texts are masked, all secrets of a saga are gone through once", () => {
  let gone = 0;
  class Secrets extends Set<string> {
    override [Symbol.iterator]() {
      gone += 1;
      return super[Symbol.iterator]();
    }
  }
  const masker = new Masker({ texts: new Secrets(["Hanako", "Yamada"]), numbers: new Set() });
  const said = Array.from({ length: 200 }, (_, n) => masker.text(`Hanako could not be reached at 10.0.0.${n}`));
  expect(said[199]).toBe("*** could not be reached at 10.0.0.199");
  expect(gone).toBe(1);
});
