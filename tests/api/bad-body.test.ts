import { expect, test } from "bun:test";

import { BODY_MAX_BYTES, readJson } from "../../engine/api/json-body.ts";

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
