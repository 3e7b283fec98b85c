import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { succeeded } from "ekiden";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";
import { type RequestRow, writeRequest } from "../support/kafka.ts";
import { returns } from "../support/rough/rough/returns.ts";

let engine: TestEngine;
const client = new Client(() => engine.url);

beforeAll(async () => {
  engine = await testEngine("embedded", { domains: join(import.meta.dir, "../support/rough") });
}, 120_000);
afterEach(() => returns.clear());
afterAll(async () => engine?.close(), 60_000);

type Row = Omit<RequestRow, "key"> & { readonly key?: string };
type Kind = readonly [what: string, row: (sagaId: string) => Row, group: string, code: string | null];

const NOBODY = "01M84000000000000000000000";
const command = (columns: Record<string, string | number | null> = {}, more: Row = {}): Row => ({
  topic: "rough.work",
  type: "step.requested",
  body: { input: { note: "by hand" } },
  ...more,
  columns: {
    saga: "batched",
    step_key: `${NOBODY}/work-${crypto.randomUUID()}`,
    action: "work",
    attempt: 1,
    ...columns,
  },
});
const outside = (columns: Record<string, string | number | null> = {}, more: Row = {}) =>
  command({ action: "shout", ...columns }, { topic: "rough.shout", ...more });
/** For a program that is not the engine: nobody but the test takes it. */
const abroad = (columns: Record<string, string | number | null>) =>
  command({ action: "abroad", ...columns }, { topic: "rough.abroad" });
const answer = (
  type: string,
  body: object | number | null,
  columns: Record<string, string | number | null> = {},
): Row => ({
  type,
  body: body as never,
  columns: { saga: "batched", attempt: 1, ...columns },
});
const ofWork = (sagaId: string) => ({ step_key: `${sagaId}/work` });

/** Rows that another program may write into the outbox, and the error row they become; null: none, they move nothing. */
const KINDS: readonly Kind[] = [
  ["an unknown type", () => command({}, { type: "banana" }), "rough", "message.foreign"],
  ["an event among commands", () => command({}, { type: "step.succeeded" }), "rough", "message.foreign"],
  ["no step", () => command({ step_key: null }), "rough", "message.foreign"],
  ["a key that is not the saga's", () => command({ message_key: NOBODY }), "rough", "message.foreign"],
  ["an action that nobody offers", () => command({ action: "nothing" }), "rough", "step.no-handler"],
  ["an action called __proto__", () => command({ action: "__proto__" }), "rough", "step.no-handler"],
  ["no action", () => command({ action: null }), "rough", "step.no-handler"],
  ["no input", () => command({}, { body: {} }), "rough", "step.input"],
  ["a body that is a list", () => command({}, { body: [] }), "rough", "step.input"],
  ["a body that is a number", () => command({}, { body: 5 }), "rough", "step.input"],
  ["another input", () => command({}, { body: { input: { note: 5 } } }), "rough", "step.input"],
  ["no attempt", () => command({ attempt: null }), "dispatcher", "message.malformed"],
  ["a saga that is not there", () => command({}, { key: NOBODY }), "dispatcher", "saga.unknown"],
  ["an external one without a step", () => outside({ step_key: null }), "rough", "message.foreign"],
  ["an external one of another input", () => outside({}, { body: { input: 5 } }), "rough", "step.input"],
  [
    "an external one with a timeout that is none",
    () => outside({}, { headers: { timeoutMs: "soon" } }),
    "rough",
    "sql_22P02",
  ],
  ["an unknown event", () => answer("banana", {}), "dispatcher", null],
  ["an answer without a step", () => answer("step.succeeded", {}), "dispatcher", "message.malformed"],
  [
    "an answer of another saga's step",
    () => answer("step.succeeded", {}, { step_key: `${NOBODY}/work` }),
    "dispatcher",
    "message.malformed",
  ],
  [
    "an answer of no step of it",
    (id) => answer("step.succeeded", {}, { step_key: `${id}/nowhere` }),
    "dispatcher",
    null,
  ],
  [
    "an answer without an attempt",
    (id) => answer("step.succeeded", {}, { ...ofWork(id), attempt: null }),
    "dispatcher",
    "message.malformed",
  ],
  ["an answer that is a number", (id) => answer("step.succeeded", 5, ofWork(id)), "dispatcher", "message.malformed"],
  [
    "an answer of a later attempt",
    (id) => answer("step.failed", { code: "x" }, { ...ofWork(id), attempt: 2147483647 }),
    "dispatcher",
    null,
  ],
  ["a rejection without a code", (id) => answer("step.rejected", {}, ofWork(id)), "dispatcher", "message.malformed"],
  [
    "a failure whose code is a number",
    (id) => answer("step.failed", { code: 5 }, ofWork(id)),
    "dispatcher",
    "message.malformed",
  ],
  ["a signal that is a list", () => answer("signal.received", []), "dispatcher", "message.malformed"],
  ["a timer without a name", () => answer("timer.fired", {}), "dispatcher", "message.malformed"],
  [
    "a timer of nothing",
    () => answer("timer.fired", { timer: "deadline:nowhere", dueAt: "never" }),
    "dispatcher",
    null,
  ],
  [
    "a cancellation for the reason 5",
    () => answer("cancel.requested", { reason: 5 }),
    "dispatcher",
    "message.malformed",
  ],
  ["a retry of a step called 5", () => answer("retry.requested", { step: 5 }), "dispatcher", "message.malformed"],
  ["a second start", () => answer("saga.started", {}), "dispatcher", null],
  ["an event of no saga", () => ({ ...answer("step.succeeded", {}), key: NOBODY }), "dispatcher", "message.malformed"],
  [
    "a saga that is no ULID",
    () => ({ ...answer("cancel.requested", {}), key: "x'; --" }),
    "dispatcher",
    "saga.unknown",
  ],
  [
    "an event with another key",
    () => answer("cancel.requested", {}, { message_key: NOBODY }),
    "dispatcher",
    "message.foreign",
  ],
  [
    "an end with another key",
    () => answer("saga.completed", {}, { message_key: NOBODY }),
    "rough.ended",
    "message.foreign",
  ],
];

/** What a group recorded of a row, or of the answer to it. */
async function consumed(id: string, group: string): Promise<string | null> {
  const { code } = await eventually(`${group} has consumed ${id}`, async () => {
    const [row] = await engine.sql<{ code: string | null }[]>`
      select case when c.error_flag then c.error_code end as code
      from timeline.event_consumption c left join timeline.event_request r on r.message_id = c.message_id
      where c.consumer_group = ${group} and (c.message_id = ${id} or c.foreign_id = ${id} or r.causation_id = ${id})
      order by c.error_flag desc limit 1
    `;
    return row;
  });
  return code;
}

test("every bad row is an error row with its reason, or moves nothing, and the saga that it names goes on", async () => {
  await client.ok("POST", "/v1/consumer-groups/rough/pause", { reason: "test" });
  const { sagaId } = await client.start("batched", { note: "good" });
  const ids = new Map<string, Kind>();
  for (const kind of KINDS) ids.set(await writeRequest(engine.sql, { key: sagaId, ...kind[1](sagaId) }), kind);
  await client.ok("POST", "/v1/consumer-groups/rough/resume", { reason: "test" });
  const behind = (await client.start("shouted", { note: "behind" }, "?wait=20s")).sagaId;

  expect((await client.settled(sagaId)).status).toBe("completed");
  expect((await client.settled(behind)).status).toBe("completed");
  for (const [id, [what, , group, code]] of ids) expect([what, await consumed(id, group)]).toEqual([what, code]);
}, 60_000);

/** A command and its compensation, written one behind the other while the participant is paused: one batch. */
async function pair(note: string, order: readonly ("step" | "compensation")[]) {
  const stepKey = `${NOBODY}/${note}`;
  await client.ok("POST", "/v1/consumer-groups/rough/pause", { reason: "test" });
  for (const type of order) {
    const compensates = { stepKey, input: { note } };
    const body = type === "step" ? { input: { note } } : { input: { note }, compensates };
    const row = command(
      { step_key: stepKey, action: type === "step" ? "work" : "undo" },
      { type: `${type}.requested`, body },
    );
    await writeRequest(engine.sql, { key: NOBODY, ...row });
  }
  await client.ok("POST", "/v1/consumer-groups/rough/resume", { reason: "test" });
  const answers = await eventually("both are answered", async () => {
    const rows = await engine.sql<{ type: string }[]>`
      select r.message_type as type from timeline.event_consumption c left join timeline.event_request r on r.causation_id = c.message_id
      where c.consumer_group = 'rough' and c.message_id in (select message_id from timeline.event_request where step_key = ${stepKey})
      order by r.message_id nulls last
    `;
    return rows.length === 2 && rows.map(({ type }) => type);
  });
  const [guard] = await engine.sql<
    { state: string }[]
  >`select state from timeline.step_guard where step_key = ${stepKey}`;
  const effects = await engine.sql`select 1 from rough.effect where step_key = ${stepKey}`;
  const undone = await engine.sql`select 1 from rough.undone where step_key = ${stepKey}`;
  return { answers, guard: guard?.state, effects: effects.length, undone: undone.length };
}

test("a command and its compensation in one batch are done one after the other, once each", async () => {
  expect(await pair("in order", ["step", "compensation"])).toEqual({
    answers: ["step.succeeded", "compensation.succeeded"],
    guard: "compensated",
    effects: 1,
    undone: 1,
  });
  expect(await pair("repeated", ["step", "step"])).toMatchObject({ guard: "done", effects: 1 });
  expect(await pair("undone twice", ["compensation", "compensation"])).toEqual({
    answers: ["compensation.skipped", "compensation.skipped"],
    guard: "blocked",
    effects: 0,
    undone: 0,
  });
}, 60_000);

test("a compensation that stands before its command in the batch closes the step", async () => {
  expect(await pair("reversed", ["compensation", "step"])).toEqual({
    answers: ["compensation.skipped", null],
    guard: "blocked",
    effects: 0,
    undone: 0,
  } as never);
}, 60_000);

test("a compensation behind a command that fails in the batch has nothing to undo", async () => {
  returns.set("failing", () => succeeded({ n: Number.NaN }));
  expect(await pair("failing", ["step", "compensation"])).toEqual({
    answers: ["step.failed", "compensation.skipped"],
    guard: "blocked",
    effects: 0,
    undone: 0,
  });
}, 60_000);

const ANSWERS: readonly (readonly [what: string, body: string, says: string])[] = [
  ["2^53", '{"output":{"n":9007199254740992}}', "holds a number beyond 2^53 - 1"],
  ["1e400", '{"output":[[-1e400]]}', "holds a number beyond 2^53 - 1"],
  ["__proto__", '{"output":{"a":[{"__proto__":1}]}}', "holds a key that no message may have"],
  ["65 levels", `{"output":${"[".repeat(65)}${"]".repeat(65)}}`, "is nested deeper than 64 levels"],
  ["300 KB", `{"output":"${"x".repeat(300_000)}"}`, "event_request_message_body_check"],
  ["NUL", String.raw`{"output":"\u0000"}`, "unsupported Unicode escape sequence"],
  ["half a surrogate pair", String.raw`{"output":"\ud83d"}`, "invalid input syntax for type json"],
  ["no object", "5", "is no object"],
];

test.each(ANSWERS)(
  "another program's answer with %s is refused, and it can still answer well",
  async (_what, body, says) => {
    const stepKey = `${NOBODY}/${crypto.randomUUID()}`;
    const id = await writeRequest(engine.sql, { key: NOBODY, ...abroad({ step_key: stepKey }) });
    const message = { topic: "rough.abroad", partition: 0, offset: 0, timestamp: -1, key: NOBODY, headers: { id } };
    await engine.sql`select verdict from timeline.claim('rough', ${engine.sql.json(message)})`;
    const answered = (text: string) =>
      engine.sql`select timeline.answer('rough', ${id}, 'succeeded', ${text}::text::jsonb) as id`;

    expect(await answered(body).catch((error: Error) => error.message)).toContain(says);
    expect(await answered(`{"output":${"[".repeat(64)}9007199254740991${"]".repeat(64)}}`)).toHaveLength(1);
  },
  60_000,
);

test("a rejection without code and message is answered the same when it is asked for again", async () => {
  const stepKey = `${NOBODY}/${crypto.randomUUID()}`;
  for (const attempt of [1, 2]) {
    const id = await writeRequest(engine.sql, { key: NOBODY, ...abroad({ step_key: stepKey, attempt }) });
    const message = { topic: "rough.abroad", partition: 0, offset: 0, timestamp: 0, key: NOBODY, headers: { id } };
    await engine.sql.begin(async (sql) => {
      const [claim] = await sql`select verdict from timeline.claim('rough', ${sql.json(message)})`;
      if (claim?.["verdict"] === "run") await sql`select timeline.answer('rough', ${id}, 'rejected', null)`;
    });
  }
  const bodies = await engine.sql`
    select message_body as body from timeline.event_request where step_key = ${stepKey} and message_type = 'step.rejected'
  `;
  expect(bodies.map(({ body }) => body)).toEqual(Array(2).fill({ code: "rejected", message: "" }));
}, 60_000);
