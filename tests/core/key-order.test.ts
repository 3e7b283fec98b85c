import { expect, test } from "bun:test";
import { storedText } from "../../engine/core/key-order.ts";

test("a map is the same text whatever order its keys came in", () => {
  const text = '{"9":0,"a":[{"b":1,"cc":2}],"zebra":1}';
  expect(storedText({ zebra: 1, a: [{ cc: 2, b: 1 }], "9": 0 })).toBe(text);
  expect(storedText(JSON.parse(text))).toBe(text);
});
