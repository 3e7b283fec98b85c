import { afterEach, expect, test } from "bun:test";
import type { Engine } from "../../engine/api/port.ts";
import { BODIES_MAX_BYTES, REQUESTS_MAX } from "../../engine/api/admission.ts";
import { BODY_MAX_BYTES } from "../../engine/api/json-body.ts";
import { createApi, PortTakenError, type RunningApi, serveApi } from "../../engine/api/server.ts";
import { Refusal } from "../../engine/core/refusal.ts";
import type { Sql } from "../../engine/timeline/database.ts";
import { type ApiDatabase, apiDatabase } from "./api-database.ts";
import { keptLog, readingEngine } from "./reading-engine.ts";
import { insertSaga } from "./saga-rows.ts";

const running: (RunningApi | ApiDatabase)[] = [];

afterEach(async () => {
  for (const each of running.splice(0).reverse()) await ("stop" in each ? each.stop() : each.end());
});

function serve(sql: Sql = {} as Sql, change: Partial<Engine> = {}) {
  const log = keptLog();
  const api = serveApi({ app: createApi({ engine: readingEngine(change), sql, log }), host: "127.0.0.1", port: 0 });
  running.push(api);
  return { ...api, log };
}

test("the API listens and answers", async () => {
  const { url } = serve();
  expect(await (await fetch(`${url}/health/live`)).json()).toEqual({ status: "live" });
});

test("a port that is taken is said in one sentence", () => {
  const { port } = serve();
  const app = createApi({ engine: readingEngine(), sql: {} as Sql, log: keptLog() });
  expect(() => serveApi({ app, host: "127.0.0.1", port })).toThrow(PortTakenError);
  expect(() => serveApi({ app, host: "127.0.0.1", port })).toThrow(`127.0.0.1:${port} is taken by another program`);
});

test("readiness follows the engine", async () => {
  const parts = [{ part: "dispatcher", ok: false, detail: "no progress", hint: "Look at the log." }];
  const { url } = serve(undefined, { health: () => Promise.resolve({ ready: false, parts }) });
  const response = await fetch(`${url}/health/ready`);
  expect([response.status, await response.json()]).toMatchObject([503, { ready: false, parts }]);
});

test.each([
  ["of a declared length", "a".repeat(300_000)],
  ["of no declared length", new Blob(["a".repeat(300_000)]).stream()],
])("a body %s that is too large is refused with a problem", async (_what, body) => {
  const { url } = serve();
  const response = await fetch(`${url}/v1/sagas/onboarding`, {
    method: "POST",
    body,
    headers: { "content-type": "application/json" },
  });
  expect(response.status).toBe(413);
  expect(await response.json()).toMatchObject({ code: "request.too-large" });
});

test("one request too many is answered 503 with Retry-After, and the next one after an end is served", async () => {
  const release = Promise.withResolvers<void>();
  const app = createApi({
    engine: readingEngine({ groups: () => release.promise.then(() => []) }),
    sql: {} as Sql,
    log: keptLog(),
  });
  const call = () => app.request("http://127.0.0.1/v1/consumer-groups");
  const held = Array.from({ length: REQUESTS_MAX }, call);
  const refused = await call();
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
  expect(await refused.json()).toMatchObject({ code: "engine.busy" });
  // Supervisors must still be told that the process lives.
  expect((await app.request("http://127.0.0.1/health/live")).status).toBe(200);
  release.resolve();
  expect(new Set((await Promise.all(held)).map(({ status }) => status))).toEqual(new Set([200]));
  expect((await call()).status).toBe(200);
});

test("bodies in progress are counted in bytes too", async () => {
  const release = Promise.withResolvers<never>();
  const app = createApi({ engine: readingEngine({ start: () => release.promise }), sql: {} as Sql, log: keptLog() });
  const body = JSON.stringify({ text: "x".repeat(BODY_MAX_BYTES - 100) });
  const headers = { "content-type": "application/json", "content-length": String(body.length) };
  const call = () => app.request("http://127.0.0.1/v1/sagas/three", { method: "POST", body, headers });
  const held = Array.from({ length: Math.floor(BODIES_MAX_BYTES / body.length) }, call);
  const refused = await call();
  expect([refused.status, await refused.json()]).toMatchObject([503, { code: "engine.busy" }]);
  release.reject(new Refusal("saga.busy", "enough", "Go on."));
  await Promise.all(held);
  expect((await call()).status).toBe(503);
  expect(await (await call()).json()).toMatchObject({ code: "saga.busy" });
});

test("a body that is larger than it was declared is refused all the same", async () => {
  const app = createApi({ engine: readingEngine(), sql: {} as Sql, log: keptLog() });
  const response = await app.request("http://127.0.0.1/v1/sagas/three", {
    method: "POST",
    body: JSON.stringify({ text: "x".repeat(BODY_MAX_BYTES) }),
    headers: { "content-type": "application/json", "content-length": "10" },
  });
  expect([response.status, await response.json()]).toMatchObject([413, { code: "request.too-large" }]);
});

test("stopping waits for calls in progress, but not for ever", async () => {
  const database = await apiDatabase();
  running.push(database);
  const sagaId = await insertSaga(database.sql);
  const waiting = Promise.withResolvers<void>();
  const settled = () => {
    waiting.resolve();
    return new Promise<void>(() => {});
  };
  const api = serve(database.sql, { settled });
  const answer = fetch(`${api.url}/v1/sagas/${sagaId}?wait=60s`).then(
    () => "answered",
    () => "cut off",
  );
  await waiting.promise;
  await api.stop(10);
  expect(await answer).toBe("cut off");
}, 60_000);

test("a caller that goes away while it waits ends the wait, and is no error", async () => {
  const database = await apiDatabase();
  running.push(database);
  const sagaId = await insertSaga(database.sql);
  const waiting = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  const { url, log } = serve(database.sql, {
    settled: (_id, _timeoutMs, signal) => {
      signal.addEventListener("abort", () => left.resolve());
      waiting.resolve();
      return left.promise;
    },
  });
  const caller = new AbortController();
  const answer = fetch(`${url}/v1/sagas/${sagaId}?wait=60s`, { signal: caller.signal }).catch(
    (error: Error) => error.name,
  );
  await waiting.promise;
  caller.abort();
  expect(await answer).toBe("AbortError");
  await left.promise;
  expect((await fetch(`${url}/health/live`)).status).toBe(200);
  expect(log.errors).toEqual([]);
}, 60_000);
