import { Client } from "../support/client.ts";
import { eventually, type TestEngine } from "../support/engine.ts";
import type { Target } from "./calls.ts";

/** Makes an engine with the lab's domains worth calling: sagas of several ends, and all their ids. */
export async function targetOf(engine: TestEngine): Promise<Target> {
  const client = new Client(() => engine.url);
  const done = await client.start("three", { note: "done" });
  await client.settled(done.sagaId);
  const waiting: string[] = [];
  for (let at = 0; at < 16; at += 1)
    waiting.push((await client.start("waiting", { note: `waits ${at}`, patience: "long" })).sagaId);
  const rows = await engine.sql<{ message_id: string }[]>`select message_id from timeline.event_request limit 5`;
  const [revision] = await engine.sql<
    { revision: string }[]
  >`select revision from timeline.definition_revision limit 1`;
  const [partition] = ((await client.ok("GET", "/v1/partitions")) as { items: { partition: string }[] }).items;
  const messages = rows.map(({ message_id }) => message_id);
  const ulid = messages[0] ?? "";
  return {
    url: engine.url,
    known: {
      "/v1/sagas/{id} id": [done.sagaId, ...waiting, "three", "waiting", "pivoted"],
      id: [done.sagaId, ...waiting],
      saga: [done.sagaId],
      parent: [done.sagaId],
      signal: ["decided"],
      definition: ["three", "waiting"],
      hash: [revision?.revision ?? ""],
      messageId: messages,
      around: messages,
      group: ["dispatcher", "lab", "lab.ends"],
      topic: ["timeline", "lab.one"],
      partition: [partition?.partition ?? ""],
      redriveId: [ulid],
      run: [ulid],
      wait: ["0s", "50ms", "1s"],
      limit: ["1", "50", "200"],
      status: ["completed", "parked"],
      error: ["true", "false"],
      preview: ["true", "false"],
      parallel: ["1", "2"],
      startedAfter: ["2026-01-01T00:00:00Z"],
      startedBefore: ["2026-01-01T00:00:00Z"],
      since: ["2026-01-01T00:00:00Z"],
      "Idempotency-Key": [crypto.randomUUID(), crypto.randomUUID()],
      "Last-Event-ID": ["0"],
    },
  };
}

/** Whatever was asked of it, the engine still works: every group flows again, and a saga goes through. */
export async function stillWorks(engine: TestEngine): Promise<void> {
  const client = new Client(() => engine.url);
  for (const group of ["dispatcher", "lab", "lab.ends"])
    await client.call("POST", `/v1/consumer-groups/${group}/resume`, { reason: "after the fuzzing" });
  const { sagaId } = await client.start("three", { note: `after ${crypto.randomUUID()}` });
  await eventually("a saga goes through", async () => (await client.saga(sagaId)).status === "completed", 60_000);
}
