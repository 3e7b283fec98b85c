import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as v from "valibot";

import { Pipeline } from "../../engine/api/pipeline-schema.ts";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, TRANSPORTS, testEngine } from "../support/engine.ts";

const timeoutMs = 120_000;

interface TripRow {
  readonly id: string;
  readonly producer: string;
  readonly times: readonly (string | null)[];
}

describe.each([...TRANSPORTS])("heartbeats on the %s transport", (kind) => {
  let t: TestEngine;

  beforeAll(async () => {
    t = await testEngine(kind);
  }, timeoutMs);
  afterAll(() => t?.close(), timeoutMs);

  const returned = () =>
    t.sql<TripRow[]>`
      select beat_id as id, producer,
        array[timeline.iso(written_at), timeline.iso(recorded_at), timeline.iso(received_at), timeline.iso(returned_at)] as times
      from timeline.heartbeat_trip where returned_at is not null order by beat_id
    `;

  test(
    "go the whole way, and each place is written down with its time",
    async () => {
      const [trip] = await eventually("a heartbeat came back", async () => {
        const trips = await returned();
        return trips.length > 0 && trips;
      });
      // One machine, one clock, which the transport rounds to milliseconds.
      const times = (trip?.times ?? []).map((time) => Math.floor(Date.parse(time ?? "")));
      expect([...times].sort((left, right) => left - right)).toEqual(times);
      expect(trip?.producer).toMatch(/^dispatcher@/);
      const sent = await t.sql`
        select message_id from timeline.event_republish where topic = '__heartbeat' and message_id = ${trip?.id ?? ""}
      `;
      expect(sent.length).toBe(1);
      const stored = await t.sql`select message_id from timeline.event_request where topic = '__heartbeat'`;
      expect(stored.length).toBe(0);
    },
    timeoutMs,
  );

  test(
    "that are old are forgotten, but for the last that came back",
    async () => {
      const [last] = (await returned()).slice(-1);
      await t.sql`update timeline.heartbeat_trip set written_at = written_at - interval '1 hour'`;
      await t.sql`update timeline.event_republish set republished_at = republished_at - interval '1 hour'`;
      await eventually("the next one", async () => (await returned()).some(({ id }) => id > (last?.id ?? "")), 60_000);
      const ids = (await t.sql<{ id: string }[]>`select beat_id as id from timeline.heartbeat_trip order by 1`).map(
        (row) => row.id,
      );
      expect(ids.filter((id) => id <= (last?.id ?? ""))).toEqual([last?.id ?? ""]);
      const sent = await t.sql`
        select republish_id from timeline.event_republish where republished_at < clock_timestamp() - interval '1 minute'
      `;
      expect(sent.length).toBe(0);
      const log = await t.sql`select "offset" from timeline.topic_log where topic = '__heartbeat'`;
      expect(log.length).toBeLessThanOrEqual(2);
    },
    timeoutMs,
  );
});

test(
  "without a connector the pipeline shows the heartbeat, and a restart is refused with what to do instead",
  async () => {
    const t = await testEngine("embedded");
    try {
      const client = new Client(() => t.url);
      const seen = await eventually("a heartbeat", async () => {
        const pipeline = v.parse(Pipeline, await client.ok("GET", "/v1/pipeline"));
        return pipeline.heartbeat.last !== null && pipeline;
      });
      expect(seen).toMatchObject({ transport: "embedded", connector: null, slot: null, loss: null });
      expect(seen.auditor).toEqual({ late: 0, republished: 0 });
      expect(seen.parts.filter(({ ok }) => !ok)).toEqual([]);
      const { status, json } = await client.call("POST", "/v1/pipeline/restart", { reason: "it hangs" });
      expect([status, json]).toMatchObject([
        409,
        { code: "pipeline.unmanaged", hint: expect.stringContaining("engine") },
      ]);
      expect((await t.sql`select id from timeline.audit where action = 'pipeline.restart'`).length).toBe(0);
    } finally {
      await t.close();
    }
  },
  timeoutMs,
);

test(
  "another process sends them when the one that did has stopped",
  async () => {
    const t = await testEngine("embedded");
    try {
      await t.another();
      await t.stop();
      const [{ at } = { at: null }] = await t.sql<{ at: Date }[]>`select clock_timestamp() as at`;
      await eventually("a heartbeat of the other process", async () => {
        const rows =
          await t.sql`select beat_id from timeline.heartbeat_trip where written_at > ${at} and returned_at is not null`;
        return rows.length > 0;
      });
    } finally {
      await t.start();
      await t.close();
    }
  },
  timeoutMs,
);
