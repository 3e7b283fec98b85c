import { expect, test } from "bun:test";

import { maskAt, maskText, maskValues, secretsAt, withoutPayload } from "../../engine/core/mask.ts";

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
  expect(maskText("M", secrets)).toBe("***");
  expect(maskText("Mrs Hanako Yamada, pin 4711, 7 times", secrets)).toBe("Mrs ***, pin ***, 7 times");
  const value = { a: "Hanako", b: [4711, 8, true, null], M: "x" };
  expect(maskValues(value, secrets)).toEqual({ a: "***", b: ["***", 8, true, null], M: "x" });
  expect(maskValues(value, { texts: new Set(), numbers: new Set() })).toBe(value);
});

test("a quoted text is shown as it is shown where it comes from, the longest first; a short one only where it is all there is", () => {
  const quoted = new Map([
    ["no Hanako", "no ***"],
    ["no Hanako in $& Kyoto", "no *** in $& ***"],
    ["M7", "***"],
  ]);
  const secrets = { texts: new Set(["Kyoto"]), numbers: new Set<number>(), quoted };
  expect(maskText("M7", secrets)).toBe("***");
  expect(maskText("AM7: no Hanako in $& Kyoto, no Hanako, Kyoto", secrets)).toBe("AM7: no *** in $& ***, no ***, ***");
  const value = { a: ["no Hanako", 1], b: "Hanako" };
  expect(maskValues(value, { texts: new Set(), numbers: new Set(), quoted })).toEqual({
    a: ["no ***", 1],
    b: "Hanako",
  });
  expect(maskValues(value, { texts: new Set(), numbers: new Set(), quoted: new Map() })).toBe(value);
});

test("a text for the log holds nothing of a payload", () => {
  expect(withoutPayload("cannot greet Hanako at 4711", { input: { name: "Hanako", pin: 4711 } })).toBe(
    "cannot greet *** at ***",
  );
});
