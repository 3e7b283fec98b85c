import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { auditorReport } from "../../engine/recovery/auditor.ts";
import { newId } from "../../engine/timeline/ids.ts";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine, TRANSPORTS } from "../support/engine.ts";

describe.each([...TRANSPORTS])("the auditor on the %s transport", (kind) => {
  let engine: TestEngine;
  const client = new Client(() => engine.url);
  const report = () => auditorReport(engine.sql as never);
  /** Republished messages by id: how often. */
  const sent = async () =>
    (
      await engine.sql<{ message_id: string; times: number }[]>`
      select message_id, count(*)::integer as times from timeline.event_republish where topic <> '__heartbeat'
      group by message_id order by message_id
    `
    ).map((row) => ({ ...row }));
  /** A command of a saga once it is written. */
  const command = (sagaId: string, topic: string) =>
    eventually("the command is written", async () => {
      const [row] = await engine.sql<{ message_id: string; step_key: string }[]>`
        select message_id, step_key from timeline.event_request where correlation_id = ${sagaId} and topic = ${topic}
      `;
      return row;
    });
  /** The clock goes on by an hour for what was written so far. */
  const age = () => engine.sql`update timeline.event_request set requested_at = requested_at - interval '1 hour'`;

  beforeAll(async () => {
    engine = await testEngine(kind);
  }, 120_000);
  afterAll(async () => engine?.close(), 60_000);

  test("a request that never reached its topic is sent again, and the saga ends", async () => {
    const { sagaId, messageId } = await (kind === "kafka" ? lostToKafka() : lostToTheLog());
    await age();
    expect((await client.saga(sagaId)).status).toBe("running");
    await eventually("the saga ends", async () => (await client.saga(sagaId)).status === "completed", 60_000);
    expect(await sent()).toContainEqual({ message_id: messageId, times: 1 });
    await eventually("nothing is late any more", async () => (await report()).late === 0);
    expect((await report()).republished).toBeGreaterThan(0);
    const effects = await engine.sql`select action from lab.effect where saga_id = ${sagaId} order by action`;
    expect(effects.map(({ action }) => action)).toEqual(["one", "three", "two"]);
    expect(engine.log.some((line) => line.includes("had not reached their topics"))).toBe(true);
  }, 90_000);

  test("a group that does not move is reported, and nothing is sent again", async () => {
    const before = await sent();
    await pause("lab", "pause");
    const { sagaId } = await client.start("three", { note: "stuck" });
    const { step_key } = await command(sagaId, "lab.one");
    // Somebody holds the step: the consumer waits for its lock.
    const holder = await engine.sql.reserve();
    try {
      await holder`begin`;
      await holder`select timeline.lock_step(${step_key})`;
      await pause("lab", "resume");
      await age();
      const group = { group: "lab", topic: "lab.one", messages: 1, since: expect.any(String) };
      await eventually("it is late", async () => (await report()).groups.length === 1);
      await eventually("the transport has passed it", async () => {
        const rows = await engine.sql`select from timeline.group_progress where waits`;
        return rows.length === 1;
      });
      expect((await report()).groups).toEqual([{ ...group, state: "waiting" }]);
      await engine.sql`update timeline.group_progress set moved_at = moved_at - interval '1 hour'`;
      expect((await report()).groups).toEqual([{ ...group, state: "stuck" }]);
      // Another partition that moves hides nothing.
      await engine.sql`
        insert into timeline.group_progress (consumer_group, topic, partition, committed, waits)
        values ('lab', 'lab.one', 99, 1, true)
      `;
      expect((await report()).groups).toEqual([{ ...group, state: "stuck" }]);
      const health = (await client.call("GET", "/health/ready")).json as { parts: { part: string; detail: string }[] };
      expect(health.parts.find(({ part }) => part === "auditor")?.detail).toContain(
        "group lab does not move: 1 requests on lab.one wait, the oldest since",
      );
      await engine.sql`update timeline.late_message set noticed_at = noticed_at - interval '1 hour'`;
      const looks = await xid();
      await eventually("it was looked at again", async () => (await xid()) !== looks);
    } finally {
      await holder`rollback`;
      holder.release();
    }
    await eventually("the saga ends", async () => (await client.saga(sagaId)).status === "completed", 60_000);
    await eventually("nothing is late any more", async () => (await report()).late === 0);
    expect(await sent()).toEqual(before);
  }, 120_000);

  test("what waits before a paused group, or for another program, is left alone", async () => {
    const before = await sent();
    await pause("lab", "pause");
    const paused = await client.start("three", { note: "paused" });
    const { message_id } = await command(paused.sagaId, "lab.one");
    await engine.sql`
      insert into timeline.event_request (message_id, correlation_id, topic, message_key, message_type, saga, step_key,
        action, attempt, message_body, producer)
      select ${newId()}, correlation_id, 'lab.elsewhere', message_key, message_type, saga, step_key, 'lab.elsewhere', 1,
        message_body, 'test'
      from timeline.event_request where message_id = ${message_id}
    `;
    await age();
    await eventually("it is late, and its group paused", async () =>
      (await report()).groups.some(({ topic, state }) => topic === "lab.one" && state === "paused"),
    );
    await eventually("the transport has passed it", async () => {
      const rows = await engine.sql`select from timeline.late_message where ends is not null`;
      return rows.length > 0;
    });
    const looks = await xid();
    await eventually("it was looked at again", async () => (await xid()) !== looks);
    expect((await report()).groups.map(({ topic }) => topic)).toEqual(["lab.elsewhere", "lab.one"]);
    await pause("lab", "resume");
    await eventually("the saga ends", async () => (await client.saga(paused.sagaId)).status === "completed", 60_000);
    expect(await sent()).toEqual(before);
  }, 120_000);

  /** When the auditor last noted how far groups have come. */
  async function xid(): Promise<string> {
    const [row] = await engine.sql<
      { xmin: string }[]
    >`select max(xmin::text::bigint)::text as xmin from timeline.group_progress`;
    return row?.xmin ?? "";
  }

  async function pause(group: string, verb: "pause" | "resume"): Promise<void> {
    await client.ok("POST", `/v1/consumer-groups/${group}/${verb}`, { reason: "test" });
  }

  /** The publication lacks the outbox for a while: what is written then is in no topic. */
  async function lostToKafka() {
    await engine.sql`alter publication ekiden_outbox drop table timeline.event_request`;
    const { sagaId } = await client.start("three", { note: "lost" });
    const { message_id } = await command(sagaId, "lab.one");
    await engine.sql`alter publication ekiden_outbox add table timeline.event_request`;
    return { sagaId, messageId: message_id };
  }

  /** A row of the topic log is gone before anybody has read it. */
  async function lostToTheLog() {
    await pause("lab", "pause");
    const { sagaId } = await client.start("three", { note: "lost" });
    const { message_id } = await command(sagaId, "lab.one");
    await eventually("it is deleted", async () => {
      const rows = await engine.sql`delete from timeline.topic_log where message_id = ${message_id} returning topic`;
      return rows.length === 1;
    });
    await pause("lab", "resume");
    return { sagaId, messageId: message_id };
  }
});
