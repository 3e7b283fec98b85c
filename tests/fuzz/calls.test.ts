import { afterAll, beforeAll, expect, test } from "bun:test";
import { type TestEngine, testEngine } from "../support/engine.ts";
import { fuzzCalls } from "./calls.ts";
import { missingSagas } from "./messages.ts";
import { stillWorks, targetOf } from "./target.ts";

const COUNTED = { type: "object", properties: { count: { type: "integer" } }, required: ["count"] };

let engine: TestEngine;
beforeAll(async () => {
  engine = await testEngine("embedded");
}, 120_000);
afterAll(async () => engine?.close(), 60_000);

test("every call of the API, whatever is sent, has an answer that the document names, and the engine lives on", async () => {
  const { statuses: seen, sagaIds } = await fuzzCalls(await targetOf(engine), 1, 16);

  // Valid, not there, and nearly valid: too few of one kind, and the rest would prove little.
  for (const status of [200, 202, 400, 404, 422]) expect([status, (seen.get(status) ?? 0) > 2]).toEqual([status, true]);
  expect(sagaIds.length).toBeGreaterThan(2);
  expect(await missingSagas(engine, sagaIds)).toEqual([]);
  await stillWorks(engine);
}, 180_000);

test.each([
  ["a failure of the server", 500, { code: "x" }],
  ["a status that is not named", 418, {}],
  ["a body that does not fit", 200, { count: "many" }],
])("%s is found", async (_what, status, body) => {
  const responses = { 200: { content: { "application/json": { schema: COUNTED } } }, 500: { content: {} } };
  const document = { openapi: "3.1.0", paths: { "/v1/things": { get: { responses } } }, components: {} };
  const server = Bun.serve({
    port: 0,
    fetch: (request) =>
      request.url.endsWith("/openapi.json") ? Response.json(document) : Response.json(body, { status }),
  });
  try {
    const target = { url: `http://127.0.0.1:${server.port}`, known: {} };
    await expect(fuzzCalls(target, 1, 1)).rejects.toThrow();
  } finally {
    await server.stop(true);
  }
});
