import { expect, test } from "bun:test";

import { createApi } from "../../engine/api/server.ts";
import type { Sql } from "../../engine/timeline/database.ts";
import { keptLog, readingEngine } from "./reading-engine.ts";

const app = createApi({ engine: readingEngine(), sql: {} as Sql, log: keptLog() });
const SAGA = "01KAS0CW5V8XJQ6Z3T4M7N9PRD";

async function answer(path: string, init?: RequestInit, over = app): Promise<unknown[]> {
  const response = await over.request(path, init);
  const { code } = (await response.json()) as { code?: string };
  return [response.status, code];
}

test.each(["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "LOCALHOST"])("Host %s is served", async (host) => {
  expect(await answer("/health/live", { headers: { host } })).toEqual([200, undefined]);
});

test.each([
  "evil.example",
  "127.0.0.1.evil.example",
  "localhost.evil.example:8080",
  "10.0.0.1",
  "localhost@evil.example",
])("Host %s, which a rebound name would send, is refused", async (host) => {
  expect(await answer("/health/live", { headers: { host } })).toEqual([403, "request.host-refused"]);
});

test("an API that listens elsewhere answers to other hosts, still not to other origins", async () => {
  const open = createApi({ engine: readingEngine(), sql: {} as Sql, log: keptLog(), host: "10.0.0.1" });
  const host = "ekiden.example";
  expect(await answer("/health/live", { headers: { host, origin: "https://ekiden.example" } }, open)).toEqual([
    200,
    undefined,
  ]);
  expect(await answer("/health/live", { headers: { host, origin: "https://evil.example" } }, open)).toEqual([
    403,
    "request.origin-refused",
  ]);
});

test.each(["https://evil.example", "null", "http://localhost:1", "garbage"])("Origin %s is refused", async (origin) => {
  expect(await answer("/health/live", { headers: { host: "localhost:8080", origin } })).toEqual([
    403,
    "request.origin-refused",
  ]);
});

test("an unknown path and a wrong method are problems of their own", async () => {
  expect(await answer("/v1/nothing")).toEqual([404, "request.unknown-path"]);
  expect(await answer(`/v1/sagas/${SAGA}/vanish`, { method: "POST" })).toEqual([404, "request.unknown-path"]);
  expect(await answer(`/v1/sagas/${SAGA}/timeline`, { method: "DELETE" })).toEqual([405, "request.method-not-allowed"]);
  const response = await app.request(`/v1/sagas/${SAGA}/timeline`, { method: "DELETE" });
  expect(response.headers.get("allow")).toBe("GET, HEAD");
});

const LISTS = "/openapi.json lists every path, /docs shows them.";

test.each([
  ["POST", "/v1/saga/onboarding", 404, "Did you mean POST /v1/sagas/onboarding? "],
  ["POST", "/sagas/onboarding/", 404, "Did you mean POST /v1/sagas/onboarding? "],
  ["POST", "/v2/sagas/onboarding", 404, "Did you mean POST /v1/sagas/onboarding? "],
  ["POST", "/api/v1/sagas/onboarding", 404, "Did you mean POST /v1/sagas/onboarding? "],
  ["POST", "/api/sagas", 404, "Did you mean POST /v1/sagas/{id}? "],
  ["GET", "/v1/sagas/", 404, "Did you mean GET /v1/sagas? "],
  ["HEAD", "/v1/consumer-group", 404, "Did you mean GET /v1/consumer-groups? "],
  ["POST", `/v1/sagas/${SAGA}/cancle`, 404, `Did you mean POST /v1/sagas/${SAGA}/cancel? `],
  ["POST", "/v1/nothing", 404, ""],
  ["POST", `/${"a/".repeat(50)}b`, 404, ""],
  ["POST", "/v1/sagas", 405, "Did you mean POST /v1/sagas/{id}? Here stands GET, HEAD; "],
  ["POST", "/health/ready", 405, "Here stands GET, HEAD; "],
  ["PUT", "/v1/sagas/onboarding", 405, "Here stands POST, GET, HEAD; "],
])("%s %s answers what, where, and what was probably meant", async (method, path, status, hint) => {
  const response = await app.request(path, { method });
  expect(response.status).toBe(status);
  if (method === "HEAD") return;
  expect(await response.json()).toMatchObject({
    detail: status === 404 ? `nothing stands at ${path}` : `${method} is not allowed at ${path}`,
    hint: hint + LISTS,
  });
});

test("of a path of the console and a method of the API, the API's is meant", async () => {
  const console = { path: async () => "/nowhere" };
  const both = createApi({ engine: readingEngine(), sql: {} as Sql, log: keptLog(), console });
  const response = await both.request("/sagas/onboarding", { method: "POST" });
  expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  expect(await response.json()).toMatchObject({
    hint: `Did you mean POST /v1/sagas/onboarding? Here stands GET, HEAD; ${LISTS}`,
  });
});

test("a body of another media type is told where it came, what is taken there, and how to send it", async () => {
  const cases = [
    ["/v1/sagas/onboarding", "application/x-www-form-urlencoded", "application/json"],
    ["/v1/definitions/validate", "application/json", "text/yaml"],
  ] as const;
  for (const [path, type, taken] of cases) {
    const response = await app.request(path, { method: "POST", body: "{}", headers: { "content-type": type } });
    expect([response.status, await response.json()]).toMatchObject([
      415,
      {
        detail: `POST ${path} takes ${taken}, and came with a body of type ${type}`,
        hint: `Send it with Content-Type: ${taken}; with curl: -H 'content-type: ${taken}'.`,
      },
    ]);
  }
});

test.each([
  ["/v1/sagas?limit=0", "request.query-invalid"],
  ["/v1/sagas?limit=201", "request.query-invalid"],
  ["/v1/sagas?limit=ten", "request.query-invalid"],
  ["/v1/sagas?limit=1&limit=2", "request.query-invalid"],
  ["/v1/sagas?status=lost", "request.query-invalid"],
  ["/v1/sagas?startedAfter=yesterday", "request.query-invalid"],
  ["/v1/sagas?startedAfter=0000-01-01T00:00:00Z", "request.query-invalid"],
  ["/v1/sagas?key=a%00b", "request.query-invalid"],
  ["/v1/sagas?label.=x", "request.query-invalid"],
  ["/v1/sagas?label.purpose=%00", "request.query-invalid"],
  ["/v1/sagas?colour=red", "request.query-invalid"],
  ["/v1/sagas?cursor=abc", "request.cursor-invalid"],
  [
    `/v1/sagas?cursor=${Buffer.from('["messages","01KAS0CW5V8XJQ6Z3T4M7N9PRD"]').toString("base64url")}`,
    "request.cursor-invalid",
  ],
  [`/v1/sagas?cursor=${Buffer.from(`["sagas","' or 1=1 --"]`).toString("base64url")}`, "request.cursor-invalid"],
  ["/v1/messages?error=yes", "request.query-invalid"],
  ["/v1/messages?saga=x", "request.query-invalid"],
  [`/v1/sagas/${SAGA}?wait=61s`, "request.query-invalid"],
  [`/v1/sagas/${SAGA}?wait=-1s`, "request.query-invalid"],
  [`/v1/sagas/${SAGA}?wait=soon`, "request.query-invalid"],
])("%s answers 400", async (path, code) => {
  expect(await answer(path)).toEqual([400, code]);
});

test.each([
  ["/v1/sagas/not-an-id", "saga.unknown"],
  ["/v1/sagas/%00", "saga.unknown"],
  ["/v1/sagas/not-an-id/timeline", "saga.unknown"],
  ["/v1/messages/%27", "message.unknown"],
  ["/v1/definitions/Robert%27)%3B--", "saga.unknown-definition"],
  ["/v1/definitions/onboarding/revisions/abc", "definition.unknown-revision"],
  ["/v1/consumer-groups/a.b.c", "group.unknown"],
])("what cannot be a name is unknown and reaches no table: %s", async (path, code) => {
  expect(await answer(path)).toEqual([404, code]);
});

const json = (body: string, headers: Record<string, string> = {}): RequestInit => ({
  method: "POST",
  body,
  headers: { "content-type": "application/json", ...headers },
});

test.each([
  [`/v1/sagas/${SAGA}/cancel`, "{}", [{ pointer: "/reason", detail: "is missing" }]],
  [`/v1/sagas/${SAGA}/cancel`, '{"reason":"  "}', [{ pointer: "/reason", detail: "is empty" }]],
  [
    `/v1/sagas/${SAGA}/cancel`,
    '{"reason":"x","force":true}',
    [{ pointer: "/force", detail: "is no field of this body" }],
  ],
  [`/v1/sagas/${SAGA}/cancel`, "[]", [{ pointer: "", detail: "is no object" }]],
  ["/v1/consumer-groups/screening/pause", "{}", [{ pointer: "/reason", detail: "is missing" }]],
  ["/v1/consumer-groups/screening/resume", "{}", [{ pointer: "/reason", detail: "is missing" }]],
  ["/v1/consumer-groups/screening/rewind", '{"firstError":false}', expect.any(Array)],
  ["/v1/consumer-groups/screening/rewind", '{"topic":"a","partition":0}', expect.any(Array)],
  ["/v1/consumer-groups/screening/rewind", '{"firstError":true,"timestamp":"2026-01-01T00:00:00Z"}', expect.any(Array)],
  ["/v1/consumer-groups/screening/rewind", '{"topic":"a","partition":0,"offset":-1}', expect.any(Array)],
])("POST %s %s answers 422 with its places", async (path, body, errors) => {
  const response = await app.request(path, json(body));
  expect(response.status).toBe(422);
  expect(await response.json()).toMatchObject({ code: "request.body-invalid", errors });
});

test("an Idempotency-Key that no table should hold is refused", async () => {
  const long = json("{}", { "idempotency-key": "k".repeat(256) });
  expect(await answer("/v1/sagas/onboarding", long)).toEqual([400, "request.header-invalid"]);
});
