import { expect, test } from "bun:test";

import { LineKeys } from "../../engine/cli/bulk/line-keys.ts";
import { parseLine } from "../../engine/cli/bulk/parse-line.ts";
import { sagaIdOf } from "../../engine/cli/bulk/signal-lines.ts";

const ID = "01M84H7D8XMF9BG544P7E8X5JP";

test("the same file gives the same keys in every run, whatever the order of fields", () => {
  const first = new LineKeys(["start", "onboarding", null]);
  const second = new LineKeys(["start", "onboarding", null]);

  expect(second.next({ b: [1, { d: 2, c: 3 }], a: "x" })).toBe(first.next({ a: "x", b: [1, { c: 3, d: 2 }] }));
});

test("equal lines, other values, other definitions and other rounds have keys of their own", () => {
  const keys = new LineKeys(["start", "onboarding", null]);
  const all = [
    keys.next({ a: 1 }),
    keys.next({ a: 1 }),
    keys.next({ a: "1" }),
    new LineKeys(["start", "offboarding", null]).next({ a: 1 }),
    new LineKeys(["start", "onboarding", "round two"]).next({ a: 1 }),
  ];

  expect(new Set(all).size).toBe(all.length);
  // What the API takes as a key.
  for (const key of all) expect(key).toMatch(/^[\x21-\x7e]{1,255}$/);
});

test("a line must be one JSON object; the fault says what it is and how to make lines of it", () => {
  expect(parseLine('{"a":1}')).toEqual({ value: { a: 1 } });
  const faultOf = (text: string) => parseLine(text).fault;
  expect(faultOf("[{}]")).toMatchObject({ detail: "is a list, not an object", hint: expect.stringContaining("jq -c") });
  expect(faultOf("null")?.detail).toBe("is null, not an object");
  expect(faultOf("12")?.detail).toBe("is a number, not an object");
  expect(faultOf("{")?.detail).toStartWith("is no JSON: ");
  expect(faultOf("[".repeat(200_000))?.detail).toStartWith("is no JSON: ");
});

test("a line names a saga by its id, or as an object with sagaId", () => {
  expect(sagaIdOf(ID)).toBe(ID);
  expect(sagaIdOf(ID.toLowerCase())).toBe(ID);
  expect(sagaIdOf(JSON.stringify({ line: 1, sagaId: ID }))).toBe(ID);
  for (const text of ["A-1042", "{}", '{"sagaId":7}', '{"sagaId":', `${ID} ${ID}`])
    expect(sagaIdOf(text)).toBeUndefined();
});
