import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { Client } from "../support/client.ts";
import { cliProcess } from "../support/cli-process.ts";
import { eventually, type TestEngine, TRANSPORTS, testEngine } from "../support/engine.ts";
import { follow, type StreamClient } from "../support/stream-client.ts";

describe.each(TRANSPORTS)("event streams of engines (%s)", (kind) => {
  let engine: TestEngine;
  const client = new Client(() => engine.url);

  beforeAll(async () => {
    engine = await testEngine(kind);
  }, 300_000);
  afterAll(() => engine?.close(), 60_000);

  const applied = (stream: StreamClient, sagaId: string) =>
    stream.events.filter((event) => event.sagaId === sagaId && event.kind === "applied");
  const ready = (stream: StreamClient) => eventually("the first notice", async () => stream.notices.length > 0);

  test("two processes tell the same of a saga: all its messages and transitions, in its order", async () => {
    const other = await engine.another("api");
    const streams = await Promise.all([follow(engine.url, "/v1/stream"), follow(other.url as string, "/v1/stream")]);
    await Promise.all(streams.map(ready));
    const { sagaId } = await client.start("three", { note: "told" });
    expect((await client.settled(sagaId)).status).toBe("completed");
    const [{ messages, last } = { messages: 0, last: 0 }] = await engine.sql<{ messages: number; last: number }[]>`
      select count(*)::integer as messages, max(s.sequence)::integer as last
      from timeline.event_request r join timeline.saga s on s.id = r.correlation_id where s.id = ${sagaId}
    `;
    for (const stream of streams) {
      const recorded = () => stream.events.filter((event) => event.sagaId === sagaId && event.kind === "recorded");
      await eventually(
        "all of it",
        async () => recorded().length === messages && applied(stream, sagaId).length === last,
      );
      expect(applied(stream, sagaId).map((event) => event.sequence)).toEqual(
        Array.from({ length: last }, (_, at) => at + 1),
      );
      expect(applied(stream, sagaId).at(-1)?.status).toBe("completed");
      expect(new Set(stream.events.map((event) => event.definition))).toEqual(new Set(["three"]));
      await stream.leave();
    }
    await other.stop();
  }, 60_000);

  test("a client goes on behind a restart, at another process, and misses nothing", async () => {
    const other = await engine.another("api");
    const stream = await follow(engine.url, "/v1/stream");
    await ready(stream);
    await engine.stop();
    // The engine ends its streams when it stops; nobody has to cut them.
    await stream.ended;
    const elsewhere = new Client(() => other.url as string);
    const { sagaId } = await elsewhere.start("three", { note: "meanwhile" });
    await engine.start();
    expect((await client.settled(sagaId)).status).toBe("completed");
    for (const url of [engine.url, other.url as string]) {
      const resumed = await follow(url, "/v1/stream", stream.position());
      await eventually("its end", async () => applied(resumed, sagaId).at(-1)?.status === "completed");
      const sequences = applied(resumed, sagaId).map((event) => event.sequence);
      expect(sequences).toEqual(Array.from({ length: sequences.length }, (_, at) => at + 1));
      expect(resumed.notices).toEqual(["ready"]);
      await resumed.leave();
    }
    await other.stop();
  }, 90_000);

  test("ekiden tail follows a saga to its end", async () => {
    const { sagaId } = await client.start("waiting", { note: "tailed", patience: "long" });
    const tail = cliProcess(["tail", sagaId], engine.url);
    const all = cliProcess(["tail", "--status", "failed,cancelled"], engine.url);
    await eventually("both are in", async () => (await connected(engine.url)) === 2);
    await client.ok("POST", `/v1/sagas/${sagaId}/cancel`, { reason: "no longer wanted" });
    expect(await tail.ended).toBe(0);
    expect(tail.lines().at(-1)).toBe(`saga ${sagaId} is cancelled`);
    await eventually("the transition", async () =>
      all.lines().some((line) => line.includes(`${sagaId}  waiting  → cancelled`)),
    );
    all.kill("SIGINT");
    expect(await all.ended).toBe(130);
  }, 60_000);
});

/** Streams that are open at an engine. */
async function connected(url: string): Promise<number> {
  const { load } = (await (await fetch(`${url}/health/ready`)).json()) as { load: { name: string; now: number }[] };
  return load.find(({ name }) => name === "ekiden_stream_clients")?.now ?? 0;
}
