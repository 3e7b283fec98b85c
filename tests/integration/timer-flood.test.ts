import { afterAll, beforeAll, expect, test } from "bun:test";
import { createEvaluator } from "../../engine/definition/expression.ts";
import { Revisions } from "../../engine/dispatcher/revisions.ts";
import { SagaChanges } from "../../engine/dispatcher/saga-changes.ts";
import { Timers } from "../../engine/dispatcher/timers.ts";
import { Transitions } from "../../engine/dispatcher/transitions.ts";
import { connect, type Sql } from "../../engine/timeline/database.ts";
import { timelineDatabase, until } from "../support/kafka.ts";
import { testPostgres } from "../support/postgres.ts";
import { type Calls, callsOf, enterThree } from "../support/starter.ts";

/** As many as fire together. */
const BATCH = 200;

let database: Awaited<ReturnType<typeof timelineDatabase>>;
let sql: Sql;
let timers: Timers;
let calls: Calls;

beforeAll(async () => {
  database = await timelineDatabase(await testPostgres());
  sql = connect(database.url, { max: 4, name: "flood" });
  await enterThree(sql);
  const store = { sql, producer: "test", handOver: () => ({ committed: () => {}, abandoned: () => {} }) };
  calls = callsOf(store);
}, 60_000);
afterAll(async () => {
  await sql?.end({ timeout: 5 });
  await database?.drop();
}, 60_000);

/** Starts a loop on so many due timers, each of a saga of its own. */
async function begin(count: number, inHand: () => number): Promise<void> {
  const sagas = await Promise.all(Array.from({ length: count }, (_, at) => calls.start(`flood ${at}`)));
  const ids = sagas.map(({ sagaId }) => sagaId);
  await sql`
    insert into timeline.timer (saga_id, name, due_at) select id, 'retry:first', clock_timestamp()
    from unnest(${sql.array(ids)}::text[]) id
  `;
  const transitions = new Transitions(new Revisions(), createEvaluator(), "test");
  timers = new Timers(
    { sql, producer: "test", handOver: () => ({ committed: () => {}, abandoned: () => {} }) },
    transitions,
    new SagaChanges(),
    (error) => {
      throw error;
    },
  );
  timers.start(
    () => true,
    () => new Map([["lab", inHand()]]),
  );
}

async function left(): Promise<number> {
  const [row] = await sql<{ count: number }[]>`select count(*)::int as count from timeline.timer`;
  return row?.count ?? 0;
}

test("a flood of timers waits for what it has set in motion, and goes on when that is taken up", async () => {
  let asked = 0;
  const fired: number[] = [];
  const fire = Timers.prototype.fire;
  await begin(BATCH + 50, () => {
    asked += 1;
    // Nothing before the first batch, and as much as it set in motion until it is taken up.
    return asked === 1 || asked === 5 ? 0 : BATCH;
  });
  timers.fire = async () => {
    fired.push(asked);
    return fire.call(timers);
  };
  await until("all of them have fired", async () => (await left()) === 0);
  await timers.stop();

  // The second batch came when the consumers had taken up the first.
  // Looked at before the first (1), behind it (2 to 5), and before the second (6).
  expect(fired.slice(0, 2)).toEqual([1, 6]);
}, 60_000);

test("a group that had as much in hand before does not hold them back, for it may be stuck", async () => {
  let asked = 0;
  const fired: number[] = [];
  const fire = Timers.prototype.fire;
  await begin(2 * BATCH + 50, () => {
    asked += 1;
    return 10 * BATCH;
  });
  timers.fire = async () => {
    fired.push(asked);
    return fire.call(timers);
  };
  await until("all of them have fired", async () => (await left()) === 0);
  await timers.stop();

  // Before and behind each, once.
  expect(fired.slice(0, 3)).toEqual([1, 3, 5]);
}, 60_000);

test("one that takes up nothing holds them back for a moment alone", async () => {
  let inHand = 0;
  await begin(BATCH + 50, () => {
    inHand += 1;
    return inHand * BATCH;
  });

  await until("all of them have fired", async () => (await left()) === 0);
  await timers.stop();
}, 60_000);
