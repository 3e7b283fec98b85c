import { afterAll, beforeAll, expect, test } from "bun:test";
import { createEvaluator } from "../../engine/definition/expression.ts";
import { ChildBirths } from "../../engine/dispatcher/births.ts";
import { Revisions } from "../../engine/dispatcher/revisions.ts";
import { connect, type Sql } from "../../engine/timeline/database.ts";
import { newId } from "../../engine/timeline/ids.ts";
import { transact } from "../../engine/timeline/store.ts";
import { eventually } from "../support/engine.ts";
import { timelineDatabase } from "../support/kafka.ts";
import { testPostgres } from "../support/postgres.ts";
import { enterThree } from "../support/starter.ts";

let database: Awaited<ReturnType<typeof timelineDatabase>>;
let sql: Sql;

beforeAll(async () => {
  database = await timelineDatabase(await testPostgres());
  sql = connect(database.url, { max: 8, name: "births" });
  await enterThree(sql);
}, 60_000);
afterAll(async () => {
  await sql?.end({ timeout: 5 });
  await database?.drop();
}, 60_000);

/** Children of one batch, born in a transaction of their own; returns the keys of those that were. */
function bear(keys: readonly string[]): Promise<readonly (string | null)[]> {
  const births = new ChildBirths(new Revisions(), createEvaluator(), () => ({ actions: new Map() }));
  const store = { sql, producer: "test", handOver: () => ({ committed: () => {}, abandoned: () => {} }) };
  const arrivals = keys.map((note) => ({ row: asking(note) }));
  return transact(store, async (unit) => {
    const { born } = await births.of(unit, arrivals, new Map(), new Date(), "test");
    return [...born.values()].map(({ key }) => key);
  });
}

function asking(note: string) {
  const id = newId();
  const parent = { sagaId: newId(), path: "child" };
  return {
    message_id: newId(),
    correlation_id: id,
    topic: "timeline",
    message_key: id,
    message_type: "child.requested",
    saga: "parent",
    step_key: null,
    attempt: null,
    traceparent: null,
    message_body: { definition: "three", input: { note }, parent },
  };
}

test("two batches that bear children with the same business keys in another order do not wait for each other in a ring", async () => {
  // Both come as far as the key in the middle, and wait there.
  const holder = await database.sql.reserve();
  await holder`begin`;
  await holder`insert into timeline.saga_open (saga_id, definition, key, status) values ('holder', 'three', 'b', 'running')`;
  const both = Promise.all([bear(["a", "b", "c"]), bear(["c", "b", "a"])]);
  await eventually("both wait", async () => {
    const [row] = await database.sql`select count(*)::integer as waiting from pg_locks where not granted`;
    return row?.["waiting"] === 2;
  });
  await holder`rollback`;
  holder.release();

  const born = await both;
  expect(born.map((keys) => keys.toSorted()).toSorted((one, other) => one.length - other.length)).toEqual([
    [],
    ["a", "b", "c"],
  ]);
}, 60_000);
