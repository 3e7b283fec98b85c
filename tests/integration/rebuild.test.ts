import { afterAll, beforeAll, expect, test } from "bun:test";

import { Projector } from "../../engine/participant/projector.ts";
import { rebuild } from "../../engine/recovery/rebuild.ts";
import { askRebuild, carryOutRebuilds, newestRebuild } from "../../engine/recovery/rebuild-requests.ts";
import { Refusal } from "../../engine/core/refusal.ts";
import type { Projection, Tx } from "../../engine/sdk.ts";
import type { Sql } from "../../engine/timeline/database.ts";
import type { Delivery } from "../../engine/transport/port.ts";
import { type DomainDatabase, domainDatabase } from "../support/domain-database.ts";

const GROUP = "screening.tally";
const SAGA = "01J00000000000000000000000";

let database: DomainDatabase;
let broken = false;

/** Counts what it is given: an event that is applied twice shows. */
const counting: Projection = {
  on: ["saga.completed"],
  table: "tally",
  async apply(tx, event, table) {
    if (broken) throw new Error("out of order");
    await tx`
      insert into ${tx(table)} as t (message_id, n) values (${event.messageId}, 1)
      on conflict (message_id) do update set n = t.n + 1
    `;
  },
  async rebuild() {},
};

beforeAll(async () => {
  database = await domainDatabase();
  await database.sql`create table screening.tally (message_id text primary key, n integer not null)`;
  await database.sql.unsafe(`grant select, insert, update, delete on screening.tally to "${database.role}"`);
}, 60_000);

afterAll(async () => database?.close(), 30_000);

const LONG = "a".repeat(60);

async function shadows(): Promise<string[]> {
  const rows = await database.sql<{ name: string }[]>`
    select tablename as name from pg_tables where schemaname = 'screening' and tablename like 'rebuild%' order by 1
  `;
  return rows.map(({ name }) => name);
}

/** An attempt that stands still when its shadow is filled: at its first progress. */
async function halted(keeps: Projector) {
  const stands = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const ended = rebuild(database.sql, keeps, async () => {
    stands.resolve();
    await goOn.promise;
  }).then(
    () => "done",
    (error: Error) => error.message,
  );
  await stands.promise;
  return { ended, goOn: () => goOn.resolve() };
}

async function completed(): Promise<Delivery> {
  const [row] = await database.sql<{ id: string }[]>`
    insert into timeline.event_request (message_id, correlation_id, topic, message_key, message_type, message_body, producer)
    values (timeline.new_ulid(), ${SAGA}, 'timeline', ${SAGA}, 'saga.completed', '{}', 'dispatcher@test')
    returning message_id as id
  `;
  const headers = { id: (row as { id: string }).id, type: "saga.completed" };
  const now = new Date();
  return {
    topic: "timeline",
    partition: 0,
    offset: 0,
    recordedAt: now,
    receivedAt: now,
    key: SAGA,
    headers,
    value: "{}",
  };
}

function projector(projection = counting): Projector {
  return new Projector(GROUP, projection, { sql: database.screening as unknown as Sql }, "test");
}

test("what a rebuild has applied is not applied again: neither what the projection had yet to read, nor what it failed on", async () => {
  const tally = projector();
  const [done, failed, unread] = [await completed(), await completed(), await completed()];
  await tally.handle([done], false);
  broken = true;
  await tally.handle([failed], true);
  broken = false;

  expect(await rebuild(database.sql, tally, async () => {})).toBe(3);
  expect(await tally.handle([done, failed, unread], false)).toEqual(["done", "done", "done"]);

  expect((await database.sql`select n from screening.tally`).map(({ n }) => n)).toEqual([1, 1, 1]);
  const errors = await database.sql`
    select from timeline.event_consumption where consumer_group = ${GROUP} and (error_flag or consumed_at is null)
  `;
  expect(errors).toHaveLength(0);
}, 30_000);

test("an attempt that was taken over fails, and leaves its successor's rows alone", async () => {
  const tally = projector();
  const before = await database.sql`select message_id, n from screening.tally order by message_id`;
  const first = await halted(tally);
  const [left] = await shadows();
  const second = await halted(tally);
  expect(await shadows()).toHaveLength(1);
  expect(await shadows()).not.toContain(left);
  await completed();
  first.goOn();
  expect(await first.ended).toContain(`"screening.${left}" does not exist`);
  second.goOn();
  expect(await second.ended).toBe("done");

  expect(await shadows()).toEqual([]);
  const after = await database.sql`select message_id, n from screening.tally order by message_id`;
  expect(after.slice(0, before.length)).toEqual(before);
  expect(after).toHaveLength(before.length + 1);
}, 30_000);

test("the shadow of a table whose name is long is not the table", async () => {
  await database.sql`create table screening.${database.sql(LONG)} (message_id text primary key, n integer not null)`;
  await database.sql.unsafe(`grant select, insert, update, delete on screening.${LONG} to "${database.role}"`);
  await database.sql`insert into screening.${database.sql(LONG)} values ('kept', 1)`;
  const attempt = await halted(projector({ ...counting, table: LONG }));
  expect(await database.sql`select message_id from screening.${database.sql(LONG)}`).toHaveLength(1);
  attempt.goOn();
  expect(await attempt.ended).toBe("done");
}, 30_000);

test("how far it is goes by the time at which events were written", async () => {
  await database.sql`
    update timeline.event_request set requested_at = now() - interval '1 day' * (5 - n)
    from (select message_id as id, row_number() over (order by message_id) as n from timeline.event_request) e
    where message_id = e.id
  `;
  const told: number[] = [];
  await rebuild(database.sql, projector(), async (events, share) => {
    if (events > 0) told.push(share);
  });
  expect(told[0]).toBeCloseTo(0.75, 2);
}, 30_000);

test("one that fails keeps why, with what stands in the events masked", async () => {
  const [event] = await database.sql<{ id: string }[]>`
    insert into timeline.event_request (message_id, correlation_id, topic, message_key, message_type, message_body, producer)
    values (timeline.new_ulid(), ${SAGA}, 'timeline', ${SAGA}, 'saga.named', '{"output": {"name": "Hanako Yamada"}}', 'dispatcher@test')
    returning message_id as id
  `;
  const failing = async (table: string | undefined, fail: (tx: Tx, name: string) => Promise<unknown>) => {
    const keeps = projector({
      on: ["saga.named"],
      ...(table === undefined ? {} : { table }),
      apply: async (tx, { body }) => void (await fail(tx, (body as { output: { name: string } }).output.name)),
      async rebuild() {},
    });
    await askRebuild(database.sql, GROUP, "test", { actor: "local" });
    await carryOutRebuilds(database.sql, new Map([[GROUP, keeps]]), "test");
    const { state, code, problem } = await newestRebuild(database.sql, GROUP);
    return { state, code, problem };
  };
  const stated = (tx: Tx, name: string) => tx`select ${name}::text::integer`;
  const wrong = {
    state: "failed",
    code: "sql_22P02",
    problem: 'invalid input syntax for type integer: "***"',
  } as const;
  expect(await failing("tally", stated)).toEqual(wrong);
  expect(await failing(undefined, stated)).toEqual(wrong);
  const thrown = () => Promise.reject(new Error("Hanako Yamada is out of order"));
  expect(await failing("tally", thrown)).toEqual({
    state: "failed",
    code: "exception",
    problem: "*** is out of order",
  });
  const refused = () => Promise.reject(new Refusal("saga.busy", "not now", ""));
  expect(await failing("tally", refused)).toEqual({ state: "failed", code: "saga.busy", problem: "not now" });
  const unstorable = () => Promise.reject(new Error(`no \u0000 and no \ud800 here${"!".repeat(100_000)}`));
  const kept = await failing("tally", unstorable);
  expect(kept).toMatchObject({ state: "failed", code: "exception" });
  expect(kept.problem).toStartWith("no \ufffd and no \ufffd here!!!");
  expect(await failing("tally", async () => {})).toEqual({ state: "done", code: null, problem: null });
  await database.sql`delete from timeline.projection_rebuild`;
  await database.sql`delete from timeline.event_request where message_id = ${event?.id ?? ""}`;
}, 30_000);

test("one whose last step takes longer than its lease is not begun anew by another process", async () => {
  const { sql } = database;
  await sql.unsafe(`
    create function screening.dawdle() returns trigger language plpgsql as $$
    begin perform pg_sleep(3); return null; end $$;
    create trigger dawdle after delete on screening.tally for each statement execute function screening.dawdle()`);
  let swaps = 0;
  const keeps = () => {
    const tally = projector();
    const replace = tally.replace.bind(tally);
    tally.replace = (...args) => {
      swaps += 1;
      return replace(...args);
    };
    return new Map([[GROUP, tally]]);
  };
  await askRebuild(sql, GROUP, "test", { actor: "local" });
  const first = carryOutRebuilds(sql, keeps(), "first", 1);
  for (let ended = false; !ended; await Bun.sleep(50)) {
    ended = (await newestRebuild(sql, GROUP)).finishedAt !== null;
    await carryOutRebuilds(sql, keeps(), "second", 1);
  }
  await first;
  await sql.unsafe("drop trigger dawdle on screening.tally; drop function screening.dawdle()");

  expect(await newestRebuild(sql, GROUP)).toMatchObject({ state: "done", problem: null });
  expect(swaps).toBe(1);
  await sql`delete from timeline.projection_rebuild`;
}, 60_000);

test("is refused when a month was dropped, before it is asked for, begins or ends", async () => {
  const before = await database.sql`select message_id, n from screening.tally order by message_id`;
  const running = await halted(projector());
  await database.sql`update timeline.retention set horizon = ${SAGA}`;
  running.goOn();
  expect(await running.ended).toContain("months of the event store were dropped");
  const refused = { code: "projection.history-forgotten" };
  await expect(rebuild(database.sql, projector(), async () => {})).rejects.toMatchObject(refused);
  await expect(askRebuild(database.sql, GROUP, "test", { actor: "local" })).rejects.toMatchObject(refused);

  expect(await database.sql`select message_id, n from screening.tally order by message_id`).toEqual(before);
  expect(await shadows()).toEqual([]);
  expect(await database.sql`select from timeline.projection_rebuild`).toHaveLength(0);
}, 30_000);

test("an event whose transaction cannot be seen yet is waited for, and is not foreign", async () => {
  const event = await completed();
  const early = { ...event, headers: { ...event.headers, id: "01M84000000000000000000000" } };
  const foreign = () => database.sql`select from timeline.event_consumption where foreign_id is not null`;

  expect(await projector().handle([{ ...early, receivedAt: new Date(Date.now() + 60_000) }, event], false)).toEqual([
    "later",
    "done",
  ]);
  expect(await foreign()).toHaveLength(0);
  expect(await projector().handle([{ ...early, receivedAt: new Date(0) }], false)).toEqual(["done"]);
  expect(await foreign()).toHaveLength(1);
}, 30_000);

test("a projection that forgets an await, or commits, is in error with nothing applied, and is named", async () => {
  const insert = (tx: Tx, id: string, table: string) => tx`insert into ${tx(table)} (message_id, n) values (${id}, 1)`;
  const cases: readonly [code: string, what: RegExp, apply: Projection["apply"]][] = [
    [
      "step.unawaited",
      /has made "insert into … \(message_id, n\).*never sent it: await it/,
      async (tx, { messageId }, table) => void insert(tx, messageId, table),
    ],
    [
      "step.unawaited",
      /not answered yet/,
      async (tx, { messageId }, table) => void insert(tx, messageId, table).execute(),
    ],
    [
      "step.transaction",
      /runs "commit"/,
      async (tx, { messageId }, table) => {
        await insert(tx, messageId, table);
        await tx.unsafe("commit");
      },
    ],
  ];
  for (const [code, what, apply] of cases) {
    const event = await completed();
    const id = event.headers["id"] as string;
    const careless = projector({ ...counting, apply });
    expect(await careless.handle([event], false)).toEqual(["alone"]);
    expect(await careless.handle([event], true)).toEqual(["done"]);

    const [failure] = await database.sql<{ code: string; message: string }[]>`
      select code, message from timeline.event_consumption_failure where message_id = ${id}
    `;
    expect(failure?.code).toBe(code);
    expect(failure?.message).toStartWith(`the projection ${GROUP} `);
    expect(failure?.message).toMatch(what);
    expect(await database.sql`select from screening.tally where message_id = ${id}`).toHaveLength(0);
  }
}, 30_000);
