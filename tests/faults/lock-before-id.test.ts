import { afterAll, beforeAll, expect, test } from "bun:test";
import { createEvaluator } from "../../engine/definition/expression.ts";
import { ChildBirths } from "../../engine/dispatcher/births.ts";
import { Dispatcher } from "../../engine/dispatcher/dispatcher.ts";
import { Revisions } from "../../engine/dispatcher/revisions.ts";
import { SagaChanges } from "../../engine/dispatcher/saga-changes.ts";
import { Timers } from "../../engine/dispatcher/timers.ts";
import { Transitions } from "../../engine/dispatcher/transitions.ts";
import { connect, type Sql } from "../../engine/timeline/database.ts";
import { newId } from "../../engine/timeline/ids.ts";
import { lockSagas } from "../../engine/timeline/saga-row.ts";
import { type Store, transact } from "../../engine/timeline/store.ts";
import { timelineDatabase, until } from "../support/kafka.ts";
import { testPostgres } from "../support/postgres.ts";
import { type Calls, callsOf, enterThree } from "../support/starter.ts";

/**
 * The outbox is read in the order of transaction ids. A transaction that has its id when it waits for a saga's lock
 * commits behind one with a later id, and its rows would be read before the other's (reliability R6).
 */
let database: Awaited<ReturnType<typeof timelineDatabase>>;
let sql: Sql;
let store: Store;
let calls: Calls;
let sagaId: string;

beforeAll(async () => {
  database = await timelineDatabase(await testPostgres());
  sql = connect(database.url, { max: 4, name: "waiters" });
  await enterThree(sql);
  // The owner's transactions are fenced as well.
  await sql`update timeline.topic_log_position set owner = 'test', owner_epoch = 1 where id = 1`;
  store = {
    sql,
    producer: "test",
    ownerEpoch: () => 1,
    handOver: () => ({ committed: () => {}, abandoned: () => {} }),
  };
  calls = callsOf(store);
  sagaId = (await calls.start("waits")).sagaId;
}, 60_000);
afterAll(async () => {
  await sql?.end({ timeout: 5 });
  await database?.drop();
}, 60_000);

/** The transaction ids of those who wait for the saga's lock while somebody else holds it; and then lets them go on. */
async function idsOfWaiting(work: () => Promise<unknown>): Promise<(string | null)[]> {
  const holder = await database.sql.reserve();
  await holder`begin`;
  await holder`select timeline.lock_sagas(${[sagaId]}::text[])`;
  const waiting = () => database.sql<{ xid: string | null }[]>`
    select backend_xid::text as xid from pg_stat_activity where datname = current_database() and wait_event = 'advisory'
  `;
  const done = work();
  await until("somebody who waits for the lock", async () => (await waiting()).length > 0);
  const ids = (await waiting()).map(({ xid }) => xid);
  await holder`rollback`;
  holder.release();
  await done;
  return ids;
}

const transitions = () => new Transitions(new Revisions(), createEvaluator(), "test");
const births = () => new ChildBirths(new Revisions(), createEvaluator(), () => ({ actions: new Map() }));
const fail = (error: unknown) => {
  throw error;
};
/** The statements may be new to their connection, or known: they take different ways to the server. */
const TWICE = [0, 1];

test("the dispatcher has no transaction id while it waits for a lock", async () => {
  const dispatcher = new Dispatcher(store, transitions(), births(), new SagaChanges(), "test", fail);
  for (const offset of TWICE) {
    const at = { partition: 0, offset, recordedAt: new Date(), receivedAt: new Date() };
    const delivery = { topic: "timeline", ...at, key: sagaId, headers: { id: newId() }, value: "{}" };
    expect(await idsOfWaiting(() => dispatcher.handle([delivery], false))).toEqual([null]);
  }
});

test("timers have none either, and take no timer before the lock", async () => {
  const timers = new Timers(store, transitions(), new SagaChanges(), fail);
  for (const _known of TWICE) {
    await sql`insert into timeline.timer (saga_id, name, due_at) values (${sagaId}, 'retry:first', clock_timestamp())`;
    expect(await idsOfWaiting(() => timers.fire())).toEqual([null]);
  }
});

test("nor has a call to a saga", async () => {
  for (const _known of TWICE)
    expect(await idsOfWaiting(() => calls.recorder.under(sagaId, () => Promise.resolve()))).toEqual([null]);
});

test("the id with which rows are handed over is that of their transaction", async () => {
  const announced: string[] = [];
  const handOver: Store["handOver"] = (_rows, xid) => {
    announced.push(xid);
    return { committed: (rows) => announced.push(...rows.map((row) => row.xid)), abandoned: () => {} };
  };
  await transact({ ...store, handOver }, async (unit) => {
    await lockSagas(unit.tx, [sagaId]);
    unit.request({
      messageId: newId(),
      correlationId: sagaId,
      causationId: null,
      topic: "timeline",
      messageType: "signal.received",
      saga: "three",
      stepKey: null,
      action: null,
      attempt: null,
      traceparent: null,
      messageHeaders: null,
      messageBody: {},
    });
  });

  expect(announced).toHaveLength(2);
  expect(announced[0]).toBe(announced[1] as string);
});
