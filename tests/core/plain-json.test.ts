import { expect, test } from "bun:test";
import { plainJson } from "../../engine/core/plain-json.ts";

const circular: Record<string, unknown> = {};
circular["self"] = circular;
const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);

test.each<[string, unknown, string, string]>([
  ["NUL in a text", { a: "x\u0000" }, "/a", "the text holds a NUL character"],
  ["NUL in a key", { "a\u0000": 1 }, "/a\u0000", "the key holds a NUL character"],
  ["half of a surrogate pair", ["\ud83d"], "/0", "the text holds half of a surrogate pair"],
  ["2^53", { n: 2 ** 53 }, "/n", "is a number beyond 2^53 - 1; send it as a text"],
  ["NaN", { n: Number.NaN }, "/n", "is NaN, which JSON does not have"],
  ["Infinity", Number.POSITIVE_INFINITY, "", "is Infinity, which JSON does not have"],
  ["a bigint", { n: 1n }, "/n", "is bigint, which JSON does not have"],
  ["undefined", undefined, "", "is undefined, which JSON does not have"],
  ["undefined in a list", [1, undefined], "/1", "is undefined, which JSON does not have"],
  ["a hole in a list", new Array(1), "/0", "is undefined, which JSON does not have"],
  ["a function", { f: () => 1 }, "/f", "is function, which JSON does not have"],
  ["a symbol", Symbol("s"), "", "is symbol, which JSON does not have"],
  ["a Date", { at: new Date(0) }, "/at", "is an object of a class (a Date, a Map, …); send plain data"],
  ["a Map", new Map([["a", 1]]), "", "is an object of a class (a Date, a Map, …); send plain data"],
  ["itself", circular, `${"/self".repeat(64)}`, "is nested deeper than 64 levels"],
  ["65 levels", nested(65), "/0".repeat(64), "is nested deeper than 64 levels"],
  ["__proto__", JSON.parse('{"a":{"__proto__":1}}'), "/a/__proto__", "is a key that no message may have"],
  ["constructor", { constructor: 1 }, "/constructor", "is a key that no message may have"],
  ["more than fits", ["x".repeat(200_000), "y".repeat(80_000)], "/1", "makes the value larger than 262144 bytes"],
  ["a list without end", new Array(1e9).fill(0, 0, 300_000), "/262143", "makes the value larger than 262144 bytes"],
  [
    "a getter that throws",
    Object.defineProperty({}, "a", { enumerable: true, get: () => JSON.parse("{") }),
    "",
    "cannot be read",
  ],
])("%s is refused with its place", (_what, value, path, message) => {
  expect(plainJson(value)).toEqual({ path, message });
});

test("plain values are copied as JSON would carry them", () => {
  const value = { a: [1, -1.5, "é😀", null, true], b: { c: {} }, gone: undefined };
  const copy = plainJson(value) as { value: unknown };
  expect(copy).toEqual({ value: { a: [1, -1.5, "é😀", null, true], b: { c: {} } } });
  expect(JSON.stringify(copy.value)).toBe(JSON.stringify(value));
  value.a.push("later");
  expect(copy).toEqual({ value: { a: [1, -1.5, "é😀", null, true], b: { c: {} } } });
  expect(plainJson(nested(64))).toEqual({ value: nested(64) as never });
});
