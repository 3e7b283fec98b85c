import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { connect as connectSocket } from "node:net";
import postgres from "postgres";

import { STREAM_LIMITS } from "../../engine/api/stream/tail.ts";
import type { Sql } from "../../engine/timeline/database.ts";
import { eventually } from "../support/engine.ts";
import { insertMessage, insertSaga } from "./saga-rows.ts";
import { isOf, type Served, StreamBench } from "./stream-bench.ts";

let bench: StreamBench;
const serve = (served?: Served) => bench.serve(served);
const open = (url: string, path?: string, after?: string) => bench.follow(url, path, after);

beforeAll(async () => {
  bench = await StreamBench.open();
}, 60_000);
afterEach(() => bench.clear());
afterAll(() => bench?.end());

test("many clients share one tail, and without a client nothing is read", async () => {
  const counts = { reads: 0 };
  const debug = (_: number, query: string) => {
    if (query.includes("pg_current_snapshot()")) counts.reads += 1;
  };
  const types = { bigint: { to: 20, from: [20], parse: Number, serialize: String } };
  const counted = postgres(bench.databaseUrl, { max: 4, onnotice: () => {}, debug, types });
  try {
    const { url } = serve({ sql: counted as unknown as Sql, limits: { pollMs: 50 } });
    const sagaId = await insertSaga(bench.sql);
    const many = await Promise.all(Array.from({ length: 30 }, () => open(url)));
    // Those who came at the start have read what lay between; from here on only the tail reads.
    const told = async (type: string) => {
      await insertMessage(bench.sql, { sagaId, type });
      await eventually("all are told", async () =>
        many.every((client) => client.events.some((event) => event.sagaId === sagaId && event.type === type)),
      );
    };
    await told("signal.received");
    const before = counts.reads;
    const began = performance.now();
    await told("cancel.requested");
    await told("retry.requested");
    const polls = Math.ceil((performance.now() - began) / 50) + 1;
    expect(counts.reads - before).toBeLessThanOrEqual(polls);
    for (const client of many) await client.leave();
    await eventually("the tail rests", async () => {
      const rested = counts.reads;
      await Bun.sleep(300);
      return counts.reads === rested;
    });
  } finally {
    await counted.end({ timeout: 5 });
  }
}, 30_000);

test("what a call to this process wrote is told at once, however seldom the tail looks", async () => {
  const { sql } = bench;
  const sagaId = await insertSaga(sql);
  const signal = async () => {
    const messageId = await insertMessage(sql, { sagaId, type: "signal.received" });
    return { sagaId, status: "running", messageId, applied: true };
  };
  const { url } = serve({ engine: { signal }, limits: { pollMs: 600_000 } });
  const client = await open(url);
  const told = async (count: number) => {
    const body = JSON.stringify({});
    const headers = { "content-type": "application/json" };
    await fetch(`${url}/v1/sagas/${sagaId}/signals/approved`, { method: "POST", headers, body });
    await eventually("the event", async () => client.events.filter(isOf(sagaId)).length === count);
  };
  await told(1);
  await told(2);
});

test("a stream outlives the server's idle timeout, with or without a ping", async () => {
  const { sql } = bench;
  const { url } = serve({ idleSeconds: 2, limits: { pingMs: 60_000 } });
  const sagaId = await insertSaga(sql);
  const client = await open(url);
  // The server looks at idle connections every few seconds.
  await Bun.sleep(9_000);
  await insertMessage(sql, { sagaId, type: "signal.received" });
  await eventually("an event after the silence", async () => client.events.some(isOf(sagaId)));
}, 40_000);

test("an idle stream is pinged often enough for a server or proxy that cuts what is idle for 10 s", () => {
  expect(STREAM_LIMITS.pingMs * 2).toBeLessThanOrEqual(10_000);
});

test("an idle stream is pinged, and its position moves on even where its filter hides everything", async () => {
  const { sql } = bench;
  const { url } = serve({ limits: { pingMs: 50 } });
  const client = await open(url, "/v1/stream?type=nothing.ever");
  const seen = () => client.position()?.split(".")[1];
  const before = seen();
  const sagaId = await insertSaga(sql);
  await insertMessage(sql, { sagaId, type: "signal.received" });
  await eventually("a new position", async () => seen() !== before);
  expect(client.events).toEqual([]);
});

test("a client that does not read is cut and told to resume; the others go on", async () => {
  const { sql } = bench;
  const { url, port } = serve({ limits: { waitingMax: 1_000, pollMs: 5 } });
  const sagaId = await insertSaga(sql);
  const quick = await open(url);
  const socket = connectSocket(port, "127.0.0.1");
  socket.write("GET /v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk.toString();
  });
  await eventually("it is in", async () => text.includes("event: ready"));
  socket.pause();
  let sent = 0;
  // More than the sockets between the two hold.
  await eventually(
    "the slow one is cut",
    async () => {
      await sql`
        insert into timeline.event_request (message_id, correlation_id, topic, message_key, message_type, step_key, message_body, producer)
        select timeline.new_ulid(), ${sagaId}, 'timeline', ${sagaId}, 'step.failed', ${`${sagaId}/s`}, ${sql.json({ code: "x", message: "y".repeat(3000) })}, 'test'
        from generate_series(1, 400)
      `;
      sent += 400;
      await eventually("the quick one has them", async () => quick.events.filter(isOf(sagaId)).length === sent);
      return sent >= 12_000;
    },
    60_000,
  );
  socket.resume();
  await eventually("it is told", async () => text.includes("event: behind"));
  socket.destroy();
  const ids = [...text.matchAll(/^id: (.+?)\r?$/gm)].map(([, id]) => id as string);
  const seen = [...text.matchAll(/"messageId":"(\w+)"/g)].length;
  const resumed = await open(url, "/v1/stream", ids.at(-1));
  await eventually("the rest", async () => seen + resumed.events.filter(isOf(sagaId)).length === sent, 30_000);
  expect(new Set(quick.events.map((event) => event.messageId)).size).toBe(sent);
}, 120_000);

test("one stream too many is answered 503 with Retry-After; one that ends makes room", async () => {
  const { url } = serve({ limits: { clientsMax: 2 } });
  const first = await open(url);
  await open(url);
  const refused = await fetch(`${url}/v1/stream`);
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "5"]);
  expect(await refused.json()).toMatchObject({ code: "stream.full" });
  await first.leave();
  await eventually("room again", async () => (await open(url)).status === 200);
  // A HEAD takes no place, nor does a stream that was refused for what it asked.
  expect((await fetch(`${url}/v1/sagas/01KAS0CW5V8XJQ6Z3T4M7N9PRD/events`)).status).toBe(503);
});

test("what is refused takes no place, nor does a HEAD", async () => {
  const { url } = serve({ limits: { clientsMax: 1 } });
  const unknown = await fetch(`${url}/v1/sagas/01KAS0CW5V8XJQ6Z3T4M7N9PRD/events`);
  expect([unknown.status, await unknown.json()]).toMatchObject([404, { code: "saga.unknown" }]);
  const header = await fetch(`${url}/v1/stream`, { headers: { "last-event-id": "01KAS0CW5V8XJQ6Z3T4M7N9PRD" } });
  expect([header.status, await header.json()]).toMatchObject([400, { code: "request.header-invalid" }]);
  const query = await fetch(`${url}/v1/stream?status=asleep`);
  expect([query.status, await query.json()]).toMatchObject([400, { code: "request.query-invalid" }]);
  const head = await fetch(`${url}/v1/stream`, { method: "HEAD" });
  expect([head.status, head.headers.get("content-type")]).toEqual([200, "text/event-stream; charset=utf-8"]);
  expect((await open(url)).status).toBe(200);
});

test("an engine that stops ends its streams at once, and the client resumes at another", async () => {
  const { sql } = bench;
  const draining = new AbortController();
  const one = serve({ draining: draining.signal });
  const sagaId = await insertSaga(sql);
  const client = await open(one.url);
  draining.abort();
  await client.ended;
  await one.stop();
  await insertMessage(sql, { sagaId, type: "signal.received" });
  const two = serve();
  const resumed = await open(two.url, "/v1/stream", client.position());
  await eventually("what it missed", async () => resumed.events.some(isOf(sagaId)));
  expect(resumed.events.length).toBe(1);
});
