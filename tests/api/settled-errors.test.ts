import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";

import { Client } from "../support/client.ts";
import { type TestEngine, testEngine } from "../support/engine.ts";
import { behave, calm } from "../support/lab/lab/behaviour.ts";

let t: TestEngine;
let client: Client;

beforeAll(async () => {
  t = await testEngine("embedded");
  client = new Client(() => t.url);
}, 60_000);
afterEach(calm);
afterAll(() => t?.close(), 60_000);

/** What the metrics and the doctor say of messages in error. */
async function told(): Promise<{ metric: string[]; level: string; detail: string }> {
  const text = await (await fetch(`${t.url}/metrics`)).text();
  const metric = text.split("\n").filter((line) => line.startsWith("ekiden_messages_in_error"));
  const { findings } = (await (await fetch(`${t.url}/v1/doctor`)).json()) as {
    findings: { check: string; level: string; detail: string }[];
  };
  const { level = "", detail = "" } = findings.find(({ check }) => check === "messages") ?? {};
  return { metric, level, detail };
}

test("a failure that the next attempt has mended alarms nobody, and one that waits for a person does until it is mended", async () => {
  expect(await told()).toEqual({ metric: [], level: "ok", detail: "no message is in error" });
  behave("two", "*", (context) => {
    if (context.attempt === 1) throw new Error("down for a moment");
    return undefined;
  });
  const mended = await client.start("three", { note: "mended" });
  expect((await client.settled(mended.sagaId)).status).toBe("completed");
  const healed = "no message is in error but 1 whose step has ended since, for which nothing is to be done";
  expect(await told()).toEqual({ metric: [], level: "ok", detail: healed });

  calm();
  behave("two", "*", () => {
    throw new Error("broken");
  });
  const parked = await client.start("three", { note: "parked" });
  expect((await client.settled(parked.sagaId)).status).toBe("parked");
  const waits = "3 consumptions are in error, and 1 more whose step has ended since";
  expect(await told()).toEqual({
    metric: ['ekiden_messages_in_error{group="lab"} 3'],
    level: "warn",
    detail: waits,
  });

  calm();
  await client.ok("POST", `/v1/sagas/${parked.sagaId}/retry`, { reason: "mended" });
  expect((await client.settled(parked.sagaId)).status).toBe("completed");
  expect(await told()).toMatchObject({ metric: [], level: "ok" });
}, 60_000);

test("a step that its saga has given up alarms nobody either", async () => {
  behave("two", "*", () => {
    throw new Error("broken");
  });
  const before = await told();
  const ended = await client.start("three", { note: "ended" });
  expect((await client.settled(ended.sagaId)).status).toBe("parked");
  await client.ok("POST", `/v1/sagas/${ended.sagaId}/cancel`, { reason: "customer called" });
  expect((await client.settled(ended.sagaId)).status).toBe("cancelled");
  expect(await told()).toMatchObject({ metric: before.metric, level: "ok" });
  const terminated = await client.start("three", { note: "terminated" });
  expect((await client.settled(terminated.sagaId)).status).toBe("parked");
  await client.ok("POST", `/v1/sagas/${terminated.sagaId}/terminate`, { reason: "customer called" });
  expect((await client.settled(terminated.sagaId)).status).toBe("terminated");
  expect(await told()).toMatchObject({ metric: before.metric, level: "ok" });
}, 60_000);

test("an attempt whose month was dropped is not in error again: nothing can run it any more", async () => {
  const before = await told();
  const horizon = (to: string) => t.sql`update timeline.retention set horizon = ${to} where id = 1`;
  try {
    // A drop takes the request, leaves what was consumed, and lets nobody go back behind its end.
    const left = await t.sql`
      insert into timeline.event_consumption (consumer_group, message_id, correlation_id, topic, consumer, consumed_at, error_flag,
        error_code, message_body)
      select consumer_group, '01E000000000000000000000AA', correlation_id, topic, consumer, consumed_at, error_flag, error_code,
        message_body
      from timeline.event_consumption where error_flag and message_body is not null limit 1
      returning message_id
    `;
    const open = await told();
    await horizon("01F0");
    const dropped = await told();
    expect(left).toHaveLength(1);
    expect(open.metric).toEqual(['ekiden_messages_in_error{group="lab"} 1']);
    expect(dropped).toMatchObject({ metric: before.metric, level: "ok" });
  } finally {
    await horizon("");
    await t.sql`delete from timeline.event_consumption where message_id = '01E000000000000000000000AA'`;
  }
}, 60_000);

test("what has no step stays in error until somebody dismisses it", async () => {
  const [row] = await t.sql<{ id: string }[]>`
    insert into timeline.event_consumption (consumer_group, message_id, topic, consumer, error_flag, error_code, foreign_id)
    values ('lab', timeline.new_ulid(), 'lab.one', 'somebody', true, 'message.foreign', 'x') returning message_id as id
  `;
  const path = `/v1/messages/${row?.id}/dismiss`;
  expect(await told()).toMatchObject({ metric: ['ekiden_messages_in_error{group="lab"} 1'], level: "warn" });
  expect((await client.call("POST", path, {})).status).toBe(422);
  const dismissed = { messageId: row?.id, groups: ["lab"] };
  const dismiss = () => client.ok("POST", path, { reason: "a test of theirs" }, { "idempotency-key": "d1" });
  expect([await dismiss(), await dismiss()]).toEqual([dismissed, dismissed] as never);
  expect(await told()).toMatchObject({ metric: [], level: "ok" });
  expect(await client.ok("POST", path, { reason: "once more" })).toEqual({ ...dismissed, groups: [] } as never);
  const kept = await t.sql`
    select error_flag, error_code, consumed_at is not null as done from timeline.event_consumption where message_id = ${row?.id ?? ""}`;
  expect([...kept]).toEqual([{ error_flag: false, error_code: "message.foreign", done: true }]);
  const audit = await t.sql`select action, reason, before from timeline.audit where target = ${row?.id ?? ""}`;
  const before = [{ group: "lab", code: "message.foreign" }];
  expect([...audit]).toEqual([{ action: "message.dismiss", reason: "a test of theirs", before }]);
});

test("a message of the engine's own is not dismissed, nor one that nobody knows", async () => {
  behave("two", "*", () => {
    throw new Error("broken");
  });
  const parked = await client.start("three", { note: "stays" });
  expect((await client.settled(parked.sagaId)).status).toBe("parked");
  const [failed] = await t.sql<{ id: string }[]>`
    select message_id as id from timeline.event_consumption where correlation_id = ${parked.sagaId} and error_flag limit 1`;
  const own = await client.call("POST", `/v1/messages/${failed?.id}/dismiss`, { reason: "x" });
  expect([own.status, own.json]).toMatchObject([409, { code: "message.not-dismissible" }]);
  const unknown = await client.call("POST", "/v1/messages/01KAS0CW5X2V7J4H8N6D3Q1RTB/dismiss", { reason: "x" });
  // A command line puts its own command, with marks, in place of the call.
  const hint = "GET /v1/messages?error=true lists those in error.";
  expect([unknown.status, unknown.json]).toMatchObject([404, { code: "message.unknown", hint }]);
  expect((await told()).level).toBe("warn");
}, 60_000);
