import { expect, test } from "bun:test";

import { scanJson } from "../../engine/core/json-scan.ts";

const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);

test.each([
  [
    "a NUL character in a text",
    String.raw`{"a":"x\u0000"}`,
    [{ path: "/a", message: "the text holds a NUL character" }],
  ],
  [
    "a NUL character in a key",
    String.raw`{"a\u0000":1}`,
    [{ path: "/a\u0000", message: "the key holds a NUL character" }],
  ],
  [
    "half of a surrogate pair",
    String.raw`["\ud800"]`,
    [{ path: "/0", message: "the text holds half of a surrogate pair" }],
  ],
  [
    "an integer over 2^53",
    `{"n":9007199254740993}`,
    [{ path: "/n", message: "is a number beyond 2^53 - 1; send it as a text" }],
  ],
  [
    "the same in other spellings",
    `[9007199254740993.0,-9e15,1e400]`,
    [
      { path: "/0", message: "is a number beyond 2^53 - 1; send it as a text" },
      { path: "/2", message: "is a number beyond 2^53 - 1; send it as a text" },
    ],
  ],
  [
    "a number that would become 0",
    `[1e-400]`,
    [{ path: "/0", message: "is a number too small to be told from 0; send it as a text" }],
  ],
  [
    "keys that reach for a prototype",
    `{"__proto__":{},"a":{"constructor":1},"prototype":2}`,
    [
      { path: "/__proto__", message: "is a key that no message may have" },
      { path: "/a/constructor", message: "is a key that no message may have" },
      { path: "/prototype", message: "is a key that no message may have" },
    ],
  ],
  [
    "the same spelled with escapes",
    String.raw`{"__proto\u005f_":1}`,
    [{ path: "/__proto__", message: "is a key that no message may have" }],
  ],
  ["a key that stands twice", `{"a":1,"b":{"a":1},"a":2}`, [{ path: "/a", message: "stands twice in its object" }]],
  [
    "a pointer that needs escaping",
    `{"a/b~c":1e400}`,
    [{ path: "/a~1b~0c", message: "is a number beyond 2^53 - 1; send it as a text" }],
  ],
] as const)("%s is found with its place", (_what, text, problems) => {
  JSON.parse(text);
  expect<unknown>(scanJson(text)).toEqual(problems);
});

test.each([
  "null",
  "true",
  "false",
  " 0 ",
  "-0",
  "0.0",
  "0e5",
  "-1.5e-3",
  "9007199254740991",
  "1e15",
  '""',
  "[]",
  "{}",
  "[ ]",
  "{ }",
  String.raw`{"a" : [ 1 , {"b\"":"\\"}, "\ud83d\ude00", false ] , "c":null}`,
  '["\u{1f600}"]',
])("sound JSON has no finding: %s", (text) => {
  JSON.parse(text);
  expect(scanJson(text)).toEqual([]);
});

test("nesting is accepted to 64 levels and refused beyond", () => {
  expect(scanJson(nested(64))).toEqual([]);
  expect(scanJson(nested(65)).map((problem) => problem.message)).toEqual(["is nested deeper than 64 levels"]);
  expect(scanJson(nested(131_072))).toHaveLength(1);
});

test("a body full of faults has a short answer", () => {
  expect(scanJson(`[${Array(1000).fill("1e400").join(",")}]`)).toHaveLength(20);
  const key = "k".repeat(200_000);
  const places = scanJson(`{"${key}":[${Array(1000).fill("1e400").join(",")}]}`).map(({ path }) => path);
  expect(places).toEqual(Array(20).fill(`/${key.slice(0, 999)}…`));
});

test("objects may be nested as deep as lists, and no deeper", () => {
  const objects = (levels: number) => '{"a":'.repeat(levels) + "1" + "}".repeat(levels);
  expect(scanJson(objects(64))).toEqual([]);
  expect(scanJson(objects(65)).map((problem) => problem.message)).toEqual(["is nested deeper than 64 levels"]);
});
