import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { republish, type RepublishReport } from "../../engine/recovery/republish.ts";
import { newId } from "../../engine/timeline/ids.ts";
import { Client } from "../support/client.ts";
import { cliProcess } from "../support/cli-process.ts";
import { eventually, type TestEngine, testEngine, TRANSPORTS } from "../support/engine.ts";

describe.each([...TRANSPORTS])("republishing on the %s transport", (kind) => {
  let engine: TestEngine;
  const client = new Client(() => engine.url);
  const sent = () => engine.sql<{ message_id: string }[]>`
    select message_id from timeline.event_republish where topic <> '__heartbeat' order by republish_id
  `;
  const consumed = () => engine.sql`
    select consumer_group, message_id, attempts from timeline.event_consumption order by consumer_group, message_id
  `;
  /** Takes a request's consumption and its place away, as if it had never reached the topic. */
  const lose = async (messageId: string, group: string) => {
    await engine.sql`delete from timeline.event_consumption where message_id = ${messageId} and consumer_group = ${group}`;
  };

  beforeAll(async () => {
    engine = await testEngine(kind);
  }, 120_000);
  afterAll(async () => engine?.close(), 60_000);

  test("a whole saga is sent again in its order, with everything as it was, and nobody does anything twice", async () => {
    const { sagaId, status } = await client.start("three", { note: "again" }, "?wait=30s");
    expect(status).toBe("completed");
    await settled();
    const before = await consumed();
    const requests = await engine.sql`
      select message_id, topic, message_key, message_type, step_key, message_headers, message_body, producer, requested_at
      from timeline.event_request where correlation_id = ${sagaId} order by xid, message_id
    `;

    const preview = (await client.ok("POST", "/v1/republish", { saga: sagaId, preview: true })) as RepublishReport;
    expect([preview.id, preview.state, preview.sent]).toEqual([null, "counted", requests.length]);
    expect(await sent()).toHaveLength(0);

    const key = { "idempotency-key": newId() };
    const body = { saga: sagaId, reason: "test" };
    const first = await client.call("POST", "/v1/republish", body, key);
    const report = first.json as RepublishReport;
    expect([first.status, report.state, report.sent]).toEqual([200, "done", requests.length]);
    expect(report.topics.map(({ topic }) => topic)).toEqual(["lab.one", "lab.three", "lab.two", "timeline"]);
    expect((await client.call("POST", "/v1/republish", body, key)).json).toEqual(report as never);
    expect(await client.ok("GET", `/v1/republish/${report.id}`)).toEqual(report as never);

    const again = await engine.sql`
      select message_id, topic, message_key, message_type, step_key, message_headers, message_body, producer, requested_at
      from timeline.event_republish where topic <> '__heartbeat' order by republish_id
    `;
    expect([...again]).toEqual([...requests]);
    await settled();
    expect(await consumed()).toEqual(before);
    expect(
      await engine.sql`select actor, target, reason from timeline.audit where action = 'messages.republish'`,
    ).toEqual([{ actor: "local", target: report.id, reason: "test" }] as never);
  }, 60_000);

  test("only what is missing is sent again: also for a projection, but for its event types alone, and for a call that was cut", async () => {
    const { sagaId } = await client.start("three", { note: "missing" }, "?wait=30s");
    await settled();
    await engine.sql`truncate timeline.event_republish`;
    const [command] = await engine.sql<{ message_id: string }[]>`
      select message_id from timeline.event_request where correlation_id = ${sagaId} and topic = 'lab.two'
    `;
    const [end] = await engine.sql<{ message_id: string }[]>`
      select message_id from timeline.event_request where correlation_id = ${sagaId} and message_type = 'saga.completed'
    `;
    await lose(command?.message_id as string, "lab");
    await lose(end?.message_id as string, "lab.ends");
    expect(await client.ok("POST", "/v1/republish", { missingOnly: true, reason: "test" })).toMatchObject({
      state: "done",
      sent: 2,
    } as never);
    expect((await sent()).map((row) => row.message_id).sort()).toEqual(
      [command?.message_id as string, end?.message_id as string].sort(),
    );
    await eventually("both are consumed again", async () => {
      const { sent: left } = (await client.ok("POST", "/v1/republish", {
        missingOnly: true,
        preview: true,
      })) as RepublishReport;
      return left === 0;
    });
    expect(await client.saga(sagaId)).toMatchObject({ status: "completed" });
  }, 60_000);

  test("a run that was killed goes on where it stood, by itself", async () => {
    await engine.sql`truncate timeline.event_republish`;
    const ids = await engine.sql<{ message_id: string }[]>`
      select message_id from timeline.event_request order by xid, message_id
    `;
    // As a process leaves it that is killed between two pieces.
    await engine.sql`
      insert into timeline.republish_run (id, actor, reason, selection, cursor_xid, cursor_id, scanned, sent)
      select ${newId()}, 'local', 'test', '{"since": "2000-01-01T00:00:00Z"}', xid, message_id, 10, '{"timeline": 10}'
      from timeline.event_request order by xid, message_id offset 9 limit 1
    `;
    await eventually("it is done", async () => {
      const rows = await engine.sql`select from timeline.republish_run where finished_at is null`;
      return rows.length === 0;
    });
    expect((await sent()).map((row) => row.message_id)).toEqual(ids.slice(10).map((row) => row.message_id));
    expect(await engine.sql`select scanned from timeline.republish_run order by id desc limit 1`).toEqual([
      { scanned: ids.length },
    ] as never);
  }, 60_000);

  test("it needs no engine, and an equal call goes on with the same run", async () => {
    const progress: number[] = [];
    const by = { actor: "local", idempotencyKey: newId() };
    const sql = engine.sql as never;
    const selection = { topic: "lab.one", until: new Date().toISOString() };
    const first = await republish(sql, selection, "test", by, ({ share }) => progress.push(share));
    const [{ requests }] = (await engine.sql`
      select count(*)::integer as requests from timeline.event_request where topic = 'lab.one'
    `) as unknown as [{ requests: number }];
    expect([first.state, first.sent, progress.at(-1)]).toEqual(["done", requests, 1]);
    expect(await republish(sql, selection, "test", by)).toEqual(first);
  }, 30_000);

  test("what cannot be is refused in words", async () => {
    const refused = async (body: unknown) => JSON.stringify((await client.call("POST", "/v1/republish", body)).json);
    expect(await refused({ reason: "x" })).toContain("must say which");
    expect(await refused({ missingOnly: true })).toContain("needs a reason");
    expect(await refused({ since: "yesterday", reason: "x" })).toContain("is no time like");
    expect((await client.call("GET", `/v1/republish/${newId()}`)).json).toMatchObject({ code: "republish.unknown" });
    expect((await client.call("GET", "/v1/republish/none")).status).toBe(404);
  });

  test("the command says what it did", async () => {
    const run = cliProcess(["republish", "--topic", "lab.three", "--reason", "test"], engine.url);
    expect([await run.ended, run.errors()]).toEqual([0, ""]);
    expect(run.lines()[0]).toMatch(/^sent 2 of \d+ looked at$/);
    const preview = cliProcess(["republish", "--missing-only", "--preview"], engine.url);
    expect(await preview.ended).toBe(0);
    expect(preview.lines()[1]).toBe("Nothing fits.");
    const bare = cliProcess(["republish", "--missing-only"], engine.url);
    expect([await bare.ended, bare.errors()]).toEqual([2, expect.stringContaining("--reason")]);
  }, 30_000);

  /** Everything that must be consumed is. */
  async function settled(): Promise<void> {
    await eventually("everything is consumed", async () => {
      const { items } = (await client.ok("GET", "/v1/consumer-groups")) as { items: { lag: number }[] };
      const rows = await engine.sql`
        select from timeline.event_republish p where p.topic <> '__heartbeat' and p.republished_at > clock_timestamp() - interval '1 second'
      `;
      return items.every(({ lag }) => lag === 0) && (kind === "embedded" || rows.length === 0);
    });
  }
});
