import { afterAll, beforeAll, expect, test } from "bun:test";

import type { Api } from "../../engine/api/api-env.ts";
import { createApi } from "../../engine/api/server.ts";
import { parseEvent } from "../../engine/timeline/event-row.ts";
import { type ApiDatabase, apiDatabase } from "./api-database.ts";
import { keptLog, readingEngine } from "./reading-engine.ts";

const SAGA = "/v1/sagas/01KAS0CW5V8XJQ6Z3T4M7N9PRD";
const STATUSES = "running, compensating, parked, completed, failed, cancelled, terminated";

let database: ApiDatabase;
let app: Api;

beforeAll(async () => {
  database = await apiDatabase();
  app = createApi({ engine: readingEngine(), sql: database.sql, log: keptLog() });
}, 60_000);
afterAll(() => database?.end());

test.each<[string, Record<string, string>]>([
  ["/v1/sagas?status=running,foo", { status: `has "foo", which is none of ${STATUSES}` }],
  ["/v1/stream?status=foo", { status: `has "foo", which is none of ${STATUSES}` }],
  ...["abc", "5", "5S", "-5s", "0ms", ""].map((wait): [string, Record<string, string>] => [
    `${SAGA}?wait=${wait}`,
    { wait: "is no duration: write 10s" },
  ]),
  [`${SAGA}?wait=61s`, { wait: "is longer than 60s" }],
  ["/v1/sagas?label.mode=", { "label.mode": "is empty" }],
  ["/v1/sagas?label.Mode=x", { "label.Mode": "is no label" }],
  ["/v1/sagas?limit=x&nope=1", { limit: "is no number from 1 to 200", nope: "is no parameter of this path" }],
])("what is wrong with the query of %s is told in our words", async (path, faults) => {
  const answer = (await (await app.request(path)).json()) as { errors: { parameter: string; detail: string }[] };
  expect(Object.fromEntries(answer.errors.map(({ parameter, detail }) => [parameter, detail]))).toEqual(faults);
});

interface Operation {
  readonly parameters?: readonly { readonly in: string; readonly name: string }[];
}

test("of no parameter that was given does a call say that it is missing", async () => {
  const document = (await (await app.request("/openapi.json")).json()) as {
    paths: Record<string, Record<string, Operation>>;
  };
  const asked = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { parameters = [] }]) =>
      parameters.filter((each) => each.in === "query").map(({ name }) => ({ path, method, name })),
    ),
  );
  expect(asked.length).toBeGreaterThan(30);
  for (const { path, method, name } of asked)
    for (const value of ["%00", ",", "-1", ""]) {
      const url = `${path.replaceAll(/\{\w+\}/g, "01KAS0CW5V8XJQ6Z3T4M7N9PRD")}?${name}=${value}`;
      const response = await app.request(url, { method: method.toUpperCase() });
      // A stream that is opened has no end.
      if (response.status !== 400) await response.body?.cancel();
      else expect(`${method} ${url}: ${await response.text()}`).not.toContain(`${name} is missing`);
    }
}, 30_000);

test.each<[string, object, Record<string, string>]>([
  [`${SAGA}/retry`, { reason: ["a"], step: {} }, { "/reason": "must be a text", "/step": "must be a text" }],
  [`${SAGA}/retry`, { x: 1 }, { "/reason": "is missing", "/x": "is no field of this body" }],
  [
    "/v1/keys",
    { name: "k", role: "viewer", definitions: "loan", expiresAt: null, reason: "r" },
    { "/definitions": "must be a list" },
  ],
])("what is wrong with the body of %s is told in our words", async (path, body, faults) => {
  const headers = { "content-type": "application/json" };
  const response = await app.request(path, { method: "POST", headers, body: JSON.stringify(body) });
  const answer = (await response.json()) as { errors: { pointer: string; detail: string }[] };
  expect(Object.fromEntries(answer.errors.map(({ pointer, detail }) => [pointer, detail]))).toEqual(faults);
});

test.each<[string, object | null, string]>([
  ["step.rejected", {}, "step.rejected: code is missing"],
  ["step.failed", { code: "c", retryable: "no" }, "step.failed: retryable must be true or false"],
  ["cancel.requested", null, "cancel.requested: its body must be an object"],
])("what is wrong with a %s of another program is told in our words, with its place", (type, body, malformed) => {
  const id = "01KAS0CW5V8XJQ6Z3T4M7N9PRD";
  const row = {
    message_id: id,
    correlation_id: id,
    message_key: id,
    topic: "timeline",
    saga: "loan",
    traceparent: null,
  };
  const event = { ...row, message_type: type, step_key: `${id}/screen`, attempt: 1, message_body: body as never };
  expect(parseEvent(event)).toEqual({ malformed });
});

test.each([
  ["A-1042", "; by its business key: GET /v1/sagas?key=A-1042."],
  ["a%20b%26c", "; by its business key: GET /v1/sagas?key=a%20b%26c."],
  ["a.b..", "; by its business key: GET /v1/sagas?key=a.b%2E%2E."],
  ["x".repeat(81), "; by its business key: GET /v1/sagas?key=…."],
  ["01KAS0CW5V8XJQ6Z3T4M7N9PRD", "."],
])("who asks for saga %s is told how a business key is looked up", async (id, way) => {
  const answer = await (await app.request(`/v1/sagas/${id}`)).json();
  expect(answer).toMatchObject({
    code: "saga.unknown",
    hint: `A saga's id is the ULID that its start answered${way}`,
  });
});
