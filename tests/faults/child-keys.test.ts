import { join } from "node:path";
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
import { enterDefinition, enterThree } from "../support/starter.ts";

let database: Awaited<ReturnType<typeof timelineDatabase>>;
let sql: Sql;

beforeAll(async () => {
  database = await timelineDatabase(await testPostgres());
  sql = connect(database.url, { max: 8, name: "births" });
  await enterThree(sql);
  const source = await Bun.file(join(import.meta.dir, "../support/lab/kid.saga.yaml")).text();
  await enterDefinition(sql, "kid", source);
}, 60_000);
afterAll(async () => {
  await sql?.end({ timeout: 5 });
  await database?.drop();
}, 60_000);

/** Children of one batch, born in a transaction of their own; returns the keys of those that were. */
function bear(keys: readonly string[], definition = "three"): Promise<readonly (string | null)[]> {
  const births = new ChildBirths(new Revisions(), createEvaluator(), () => ({ actions: new Map() }));
  const store = { sql, producer: "test", handOver: () => ({ committed: () => {}, abandoned: () => {} }) };
  const arrivals = keys.map((note) => ({ row: asking(note, definition) }));
  return transact(store, async (unit) => {
    const { born } = await births.of(unit, arrivals, new Map(), new Date(), "test");
    return [...born.values()].map(({ key }) => key);
  });
}

function asking(note: string, definition: string) {
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
    message_body: { definition, input: { note }, parent },
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

test("a child that cannot be born tells its parent of the key in use, and not the key where anything of it is sensitive", async () => {
  for (const definition of ["three", "kid"]) {
    expect(await bear(["Hanako Yamada"], definition)).toEqual(["Hanako Yamada"]);
    expect(await bear(["Hanako Yamada"], definition)).toEqual([]);
  }
  const told = await sql<{ said: string }[]>`
    select message_body->>'message' as said from timeline.event_request
    where message_type = 'child.ended' and message_body->>'message' !~ 'key "[abc]"' order by message_id
  `;
  expect(told.map(({ said }) => said)).toEqual([
    'business key "Hanako Yamada" has an open saga',
    "its business key has an open saga",
  ]);
}, 60_000);
