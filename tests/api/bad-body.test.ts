import { expect, test } from "bun:test";

import { BODY_MAX_BYTES, readJson } from "../../engine/api/json-body.ts";
import { scanJson } from "../../engine/api/json-scan.ts";

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
  expect(scanJson(nested(BODY_MAX_BYTES / 2))).toHaveLength(1);
});

test("a body full of faults has a short answer", () => {
  expect(scanJson(`[${Array(1000).fill("1e400").join(",")}]`)).toHaveLength(20);
});

const post = (body: string | Uint8Array<ArrayBuffer>, type = "application/json") =>
  new Request("http://localhost/", { method: "POST", body, headers: { "content-type": type } });

test("a body is read as JSON of any kind, and an absent one as undefined", async () => {
  expect(await readJson(post('{"a":[1,null]}', "application/json; charset=utf-8"))).toEqual({ a: [1, null] });
  expect(await readJson(post("[]", "application/vnd.example+json"))).toEqual([]);
  expect(await readJson(new Request("http://localhost/", { method: "POST" }))).toBeUndefined();
});

test.each([
  ["text that is no JSON", post("{"), "request.malformed-json"],
  ["bytes that are no UTF-8", post(new Uint8Array([0x22, 0xff, 0x22])), "request.malformed-json"],
  ["another media type", post("{}", "text/plain"), "request.media-type"],
  ["a form that looks like JSON", post("{}", "application/x-www-form-urlencoded"), "request.media-type"],
  ["one byte too many", post(`"${"a".repeat(BODY_MAX_BYTES - 1)}"`), "request.too-large"],
  ["a fault that the scan finds", post("[1e400]"), "request.body-invalid"],
] as const)("%s is refused", async (_what, request, code) => {
  const error = await readJson(request).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ code });
});

test("a body of exactly 256 KiB is read", async () => {
  const text = "a".repeat(BODY_MAX_BYTES - 2);
  expect(await readJson(post(`"${text}"`))).toBe(text);
});
