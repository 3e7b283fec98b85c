import { afterAll, beforeAll, expect, test } from "bun:test";
import { Requests } from "../../engine/dispatcher/requests.ts";
import { Revisions } from "../../engine/dispatcher/revisions.ts";
import { connect, type Sql } from "../../engine/timeline/database.ts";
import { timelineDatabase } from "../support/kafka.ts";
import { testPostgres } from "../support/postgres.ts";
import { type Calls, callsOf, enterDefinition, enterThree } from "../support/starter.ts";

/** Starts share transactions: what is in the way of one must not be in the way of the others for long. */
let database: Awaited<ReturnType<typeof timelineDatabase>>;
let sql: Sql;
let calls: Calls;
let transactions = 0;

beforeAll(async () => {
  database = await timelineDatabase(await testPostgres());
  sql = connect(database.url, { max: 8, name: "starts" });
  await enterThree(sql);
  const counting = new Proxy(sql, {
    get(target, name) {
      if (name === "begin") transactions += 1;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  calls = callsOf({
    sql: counting,
    producer: "test",
    ownerEpoch: () => null,
    handOver: () => ({ committed: () => {}, abandoned: () => {} }),
  });
  await calls.start("warm");
}, 60_000);

afterAll(async () => {
  await sql?.end({ timeout: 5 });
  await database?.drop();
}, 60_000);

/** Runs work while a transaction holds the row that says whether the dispatcher is paused. */
async function whileHeld<T>(work: () => Promise<T>): Promise<T> {
  const holder = await database.sql.reserve();
  try {
    await holder`begin`;
    await holder`update timeline.consumer_group set paused = paused where consumer_group = 'dispatcher'`;
    return await work();
  } finally {
    await holder`rollback`;
    holder.release();
  }
}

/** What became of calls: `done`, or the code of a refusal. */
function codesOf(all: readonly Promise<unknown>[]): Promise<readonly (string | undefined)[]> {
  return Promise.all(
    all.map((one) =>
      one.then(
        () => "done",
        (error: { code?: string }) => error.code,
      ),
    ),
  );
}

test("a thousand starts with one business key are settled in a few transactions, whatever their own keys", async () => {
  transactions = 0;
  const hot = await Promise.all(Array.from({ length: 1_000 }, (_, at) => calls.start("hot", `hot-${at}`)));
  expect(new Set(hot.map(({ sagaId }) => sagaId)).size).toBe(1);
  expect(hot.filter(({ created }) => created)).toHaveLength(1);
  expect(transactions).toBeLessThan(30);
});

test("starts behind a lock that nobody gives back are all told so, not one after the other", async () => {
  const codes = await whileHeld(() => {
    transactions = 0;
    return codesOf(Array.from({ length: 50 }, (_, at) => calls.start(`behind ${at}`)));
  });
  expect(new Set(codes)).toEqual(new Set(["saga.busy"]));
  // One for all of them, one for the first alone; that one's end is the others' too.
  expect(transactions).toBeLessThan(8);
  expect((await calls.start("behind 0")).created).toBe(true);
}, 60_000);

test("a key that a transaction of somebody else holds is in the way of its own start alone", async () => {
  const holder = await database.sql.reserve();
  await holder`begin`;
  await holder`
    insert into timeline.start_key (idempotency_key, scope, body_hash, saga_id, expires_at)
    values ('held', 'start', 'h', '01J00000000000000000000000', clock_timestamp() + interval '1 day')
  `;
  const codes = await codesOf(
    Array.from({ length: 50 }, (_, at) => calls.start(`beside ${at}`, at === 20 ? "held" : `key ${at}`)),
  );
  await holder`rollback`;
  holder.release();
  expect(codes.flatMap((code, at) => (code === "done" ? [] : [[at, code]]))).toEqual([[20, "saga.busy"]]);
  expect((await calls.start("beside 20", "held")).created).toBe(true);
}, 60_000);

test("nor do signals wait there one after the other", async () => {
  const sagas = await Promise.all(Array.from({ length: 50 }, (_, at) => calls.start(`signalled ${at}`)));
  const requests = new Requests(calls.recorder, new Revisions(), () => ({ actions: new Map() }));
  const codes = await whileHeld(() => {
    transactions = 0;
    return codesOf(sagas.map(({ sagaId }) => requests.signal(sagaId, "any", {}, { actor: "test" })));
  });
  expect(new Set(codes)).toEqual(new Set(["saga.busy"]));
  expect(transactions).toBeLessThan(8);
}, 60_000);

test("calls to a saga whose lock is held keep no call to another saga waiting", async () => {
  const [held, free] = await Promise.all([calls.start("held"), calls.start("free")]);
  const holder = await database.sql.reserve();
  await holder`begin`;
  await holder`select timeline.lock_sagas(array[${held.sagaId}]::text[])`;
  const blocked = Array.from({ length: 12 }, () =>
    calls.recorder
      .under(held.sagaId, async () => "done")
      .then(
        () => "done",
        (error: { code?: string }) => error.code,
      ),
  );
  const first = await Promise.race([calls.recorder.under(free.sagaId, async () => "free"), ...blocked]);
  expect(first).toBe("free");
  expect(new Set(await Promise.all(blocked))).toEqual(new Set(["saga.busy"]));
  await holder`rollback`;
  holder.release();
  expect(await calls.recorder.under(held.sagaId, async () => "done")).toBe("done");
}, 60_000);

test("whoever starts a saga that ends in its first transition, or parks, is told so with the start", async () => {
  const head = "version: 1\ninput:\n  note: string\nsteps:\n";
  await enterDefinition(sql, "refused", `saga: refused\n${head}  - fail: no_such_thing\n`);
  await enterDefinition(sql, "parked", `saga: parked\n${head}  - set: { first: "\${ input.note[0] }" }\n`);
  const [running, refused, parked] = await Promise.all([
    calls.start("running"),
    calls.start("refused", undefined, "refused"),
    calls.start("parked", undefined, "parked"),
  ]);
  const statuses = await sql<{ status: string }[]>`
    select s.status from unnest(${[refused.sagaId, parked.sagaId]}::text[]) with ordinality i (id, at)
    join timeline.saga s on s.id = i.id order by i.at
  `;

  expect(statuses.map(({ status }) => status)).toEqual(["failed", "parked"]);
  expect([running, refused, parked].map(({ sagaId }) => calls.changes.hasSettled(sagaId))).toEqual([false, true, true]);
});
