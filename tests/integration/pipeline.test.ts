import { afterAll, beforeAll, expect, test } from "bun:test";
import * as v from "valibot";

import { Pipeline } from "../../engine/api/pipeline-schema.ts";
import { newId } from "../../engine/timeline/ids.ts";
import { Client } from "../support/client.ts";
import { privilegesOf } from "../support/domain-privileges.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";
import { KafkaBench } from "../support/kafka.ts";
import { testStack } from "../support/stack.ts";

type PipelineJson = v.InferOutput<typeof Pipeline>;

const timeoutMs = 120_000;
const healMs = 60_000;

let t: TestEngine;
let client: Client;
let connectorUrl: string;

beforeAll(async () => {
  t = await testEngine("kafka");
  client = new Client(() => t.url);
  connectorUrl = `${(await testStack()).connectUrl}/connectors/${encodeURIComponent(`${t.prefix}ekiden-outbox`)}`;
}, timeoutMs);

afterAll(() => t?.close(), timeoutMs);

async function pipeline(): Promise<PipelineJson> {
  return v.parse(Pipeline, await client.ok("GET", "/v1/pipeline"));
}

/** The pipeline once it is as asked for; says how it is when it never gets there. */
async function pipelineIs(what: string, is: (seen: PipelineJson) => boolean): Promise<PipelineJson> {
  let last: PipelineJson | undefined;
  return eventually(
    what,
    async () => {
      last = await pipeline();
      if (is(last)) return last;
      throw new Error(JSON.stringify(last));
    },
    healMs,
  );
}

const runs = ({ connector, slot }: PipelineJson) =>
  connector?.state === "RUNNING" && connector.tasks[0]?.state === "RUNNING" && slot?.active === true;

async function completes(): Promise<void> {
  const { sagaId } = await client.start("one_step", { note: "through" });
  expect((await client.settled(sagaId)).status).toBe("completed");
}

test("the connector logs in as a role that replicates, sees what is published and moves the heartbeat", async () => {
  const [login] = await t.sql<{ role_name: string }[]>`select role_name from timeline.connector_login`;
  const role = login?.role_name ?? "";
  const sessions = await t.sql<{ usename: string }[]>`
    select a.usename from pg_replication_slots s join pg_stat_activity a on a.pid = s.active_pid
    where s.database = current_database()
  `;
  expect(sessions.map(({ usename }) => usename)).toEqual([role]);
  expect(await privilegesOf(t.sql, role)).toEqual([
    "may replicate",
    "select timeline.event_republish",
    "select timeline.event_request",
    "select timeline.heartbeat",
    "update timeline.heartbeat",
  ]);
});

test(
  "it shows connector, slot, groups, and the heartbeat with each of its hops",
  async () => {
    const seen = await pipelineIs("a heartbeat", ({ heartbeat }) => heartbeat.last !== null);
    expect(runs(seen)).toBe(true);
    expect(seen.connector).toMatchObject({
      name: `${t.prefix}ekiden-outbox`,
      managed: true,
      restarts: 0,
      trouble: null,
    });
    expect(seen.slot).toMatchObject({ exists: true, walStatus: "reserved" });
    expect(seen.publication).toEqual({
      name: "ekiden_outbox",
      tables: ["timeline.event_republish", "timeline.event_request", "timeline.heartbeat"],
    });
    const [events] = seen.topics.filter(({ topic }) => topic === "timeline");
    expect(events?.partitions).toBeGreaterThan(1);
    expect(events?.groups).toContain("dispatcher");
    // No group reads the heartbeats: each process does, by itself.
    expect(seen.topics.filter(({ topic }) => topic.startsWith("__"))).toEqual([]);
    expect(seen.slot?.keptBytes).toBeGreaterThanOrEqual(seen.slot?.unconfirmedBytes ?? 0);
    const { toTransportMs, toConsumerMs, toDatabaseMs, roundTripMs } = seen.heartbeat.last as NonNullable<
      PipelineJson["heartbeat"]["last"]
    >;
    expect(toTransportMs + toConsumerMs + toDatabaseMs).toBe(roundTripMs);
    expect(seen.groups.find(({ group }) => group === "dispatcher")).toMatchObject({ paused: false });
    expect(seen.parts.find(({ part }) => part === "heartbeat")).toMatchObject({ ok: true });
  },
  timeoutMs,
);

test(
  "a restart is carried out once for each key, and audited with its reason",
  async () => {
    const key = { "idempotency-key": newId() };
    const first = await client.call("POST", "/v1/pipeline/restart", { reason: "it hangs" }, key);
    const again = await client.call("POST", "/v1/pipeline/restart", { reason: "it hangs" }, key);
    const without = await client.call("POST", "/v1/pipeline/restart", { reason: " " });
    expect([first.status, again.status, without.status]).toEqual([200, 200, 422]);
    const audited =
      await t.sql`select actor, target, reason, before from timeline.audit where action = 'pipeline.restart'`;
    expect([...audited]).toEqual([
      {
        actor: "local",
        target: `${t.prefix}ekiden-outbox`,
        reason: "it hangs",
        before: { state: "RUNNING", tasks: ["RUNNING"] },
      },
    ]);
    await pipelineIs("it runs again", runs);
  },
  timeoutMs,
);

test(
  "a connector that was deleted is registered again, and goes on where it was",
  async () => {
    await fetch(connectorUrl, { method: "DELETE" });
    await pipelineIs("it is there again", runs);
    await completes();
    expect((await pipeline()).loss).toBeNull();
  },
  timeoutMs,
);

test(
  "a slot that was dropped is made anew, and what was written meanwhile is named until it was sent again",
  async () => {
    await pipelineIs("a heartbeat came through", ({ heartbeat }) => (heartbeat.ageMs ?? 1e9) < 10_000);
    const slot = (await pipeline()).slot?.name ?? "";
    const dropped = async () => {
      await t.sql`select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = ${slot} and active`;
      await t.sql`select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = ${slot} and not active`;
      return (await t.sql`select slot_name from pg_replication_slots where slot_name = ${slot}`).length === 0;
    };
    await eventually("the slot is dropped", dropped);
    const { sagaId } = await client.start("one_step", { note: "in the gap" });
    const seen = await pipelineIs("the loss is named", ({ loss }) => (loss?.missing ?? 0) > 0 && loss?.until !== null);
    expect(seen.loss?.cause).toBe(`replication slot ${slot} was dropped`);
    const ready = await client.call("GET", "/health/ready");
    expect(ready.status).toBe(503);
    const from = new Date(new Date(seen.loss?.since ?? 0).getTime() - 600_000).toISOString();
    expect(JSON.stringify(ready.json)).toContain(`ekiden republish --missing-only --since ${from}`);
    await pipelineIs("it runs again", runs);
    await completes();

    await client.ok("POST", "/v1/republish", { missingOnly: true, since: from, reason: "slot lost" });
    expect((await client.settled(sagaId)).status).toBe("completed");
    await pipelineIs("nothing is missing", ({ loss }) => loss === null);
    await eventually("it is ready", async () => (await client.call("GET", "/health/ready")).status === 200);
  },
  timeoutMs,
);

test(
  "a publication from which somebody took the outbox is red until it is mended, although heartbeats go through",
  async () => {
    await t.sql`alter publication ekiden_outbox drop table timeline.event_request`;
    try {
      const red = async () => {
        const { status, json } = await client.call("GET", "/health/ready");
        const { parts } = json as { parts: { part: string; ok: boolean; detail: string }[] };
        return status === 503 ? parts.filter(({ ok }) => !ok) : undefined;
      };
      expect(await eventually("it is red", red)).toMatchObject([
        { part: "publication", detail: expect.stringContaining("does not hand on timeline.event_request") },
      ]);
    } finally {
      await t.sql`alter publication ekiden_outbox add table timeline.event_request`;
    }
    await eventually("it is ready", async () => (await client.call("GET", "/health/ready")).status === 200);
    await completes();
  },
  timeoutMs,
);

test(
  "without Kafka Connect's address the slot is seen, and a restart is refused with what to do instead",
  async () => {
    const bench = await KafkaBench.start();
    try {
      const transport = await bench.transport({ connectUrl: null });
      expect(transport.relay?.managed).toBe(false);
      const state = await transport.relay?.state();
      expect(state?.connector).toMatchObject({ managed: false, state: null, tasks: [], trouble: null });
      expect(state?.slot).toMatchObject({ name: bench.names.slot, exists: false });
      expect(state?.health.map(({ part, ok, hint }) => [part, ok, hint?.includes("ekiden connector")])).toEqual([
        ["slot", false, true],
      ]);
    } finally {
      await bench.stop();
    }
  },
  timeoutMs,
);
