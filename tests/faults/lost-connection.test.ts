import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { connect, errorCode, isNoOutcome, type Sql, type Tx } from "../../engine/timeline/database.ts";
import { guardTx } from "../../engine/timeline/guarded-tx.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";
import { type PostgresProxy, postgresProxy } from "../support/postgres-proxy.ts";

let database: FreshDatabase;
let proxy: PostgresProxy;
let sql: Sql;

beforeAll(async () => {
  database = await freshDatabase();
  proxy = await postgresProxy(database.url);
  sql = connect(proxy.url, { max: 1, name: "lost" });
  await sql`create table kept (n integer)`;
}, 60_000);
afterEach(() => proxy.decide(() => "pass"));
afterAll(async () => {
  await sql?.end({ timeout: 1 });
  await proxy?.close();
  await database?.drop();
}, 30_000);

const sleepEndsIn = (fate: "cut" | "reset") =>
  proxy.decide(({ from, text }) => (from === "client" && text.includes("pg_sleep") ? fate : "pass"));

for (const fate of ["cut", "reset"] as const) {
  test(`a connection that is ${fate} in a transaction leaves nothing behind for the next one`, async () => {
    for (let round = 0; round < 20; round += 1) {
      sleepEndsIn(fate);
      const lost = await sql.begin((tx) => tx`select pg_sleep(9)`).catch((error: unknown) => error);
      proxy.decide(() => "pass");
      const rows = await sql.begin(async (tx) => [await tx`select 1 as n`, await tx`select ${round}::int as n`]);

      expect(isNoOutcome(lost)).toBe(true);
      expect(rows.flat().map(({ n }) => n)).toEqual([1, round]);
    }
  }, 20_000);

  test(`work that goes on after its connection was ${fate} ends nobody else's transaction`, async () => {
    const other = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<unknown>();
    sleepEndsIn(fate);
    const first = sql.begin((tx) => {
      const work = outlives(tx, other.promise);
      // Its rollback comes right behind it.
      work.catch(() => setTimeout(ended.resolve, 50));
      return work;
    });
    await first.catch(() => {});
    proxy.decide(() => "pass");
    const thrown = sql.begin(async (tx) => {
      await tx`insert into kept values (1)`;
      other.resolve();
      await ended.promise;
      await tx`insert into kept values (2)`;
      throw new Error("on purpose");
    });

    expect(await thrown.catch((error: Error) => error.message)).toBe("on purpose");
    expect([...(await sql`select n from kept`)]).toEqual([]);
  }, 20_000);
}

async function outlives(tx: Tx, until: Promise<void>): Promise<void> {
  await tx`select pg_sleep(9)`.catch(() => {});
  await until;
  await tx`insert into kept values (0)`;
}

test("statements that waited for their turn in a transaction fail with its connection", async () => {
  sleepEndsIn("cut");
  const lost: Promise<unknown>[] = [];
  await sql
    .begin((tx) => {
      lost.push(...[1, 2, 3].map((n) => tx`select ${n}::int, pg_sleep(9)`.catch((error: unknown) => error)));
      return Promise.all(lost);
    })
    .catch(() => {});

  expect((await Promise.all(lost)).map(isNoOutcome)).toEqual([true, true, true]);
});

test("a statement that cannot be built takes no other's answer", async () => {
  const all = [
    sql`select 1 as n, pg_sleep(0.2)`,
    sql`select 2 as n`,
    sql`select ${undefined as never}::int as n`,
    sql`select 4 as n`,
  ];
  const answers = await Promise.all(all.map((one) => one.then(([row]) => row?.["n"], errorCode)));

  expect(answers).toEqual([1, 2, "UNDEFINED_VALUE", 4]);
});

test("a statement that is cancelled before its turn takes no other's answer", async () => {
  const first = sql`select 1 as n, pg_sleep(0.3)`;
  const cancelled = sql`select 2 as n, pg_sleep(9)`;
  const last = sql`select 3 as n`;
  const answers = Promise.all([first, cancelled, last].map((one) => one.then(([row]) => row?.["n"], errorCode)));
  await Bun.sleep(100);
  cancelled.cancel();

  expect(await answers).toEqual([1, "57014", 3]);
}, 15_000);

test("a cancel that was lost on its way is sent again", async () => {
  let cancels = 0;
  proxy.decide(({ type, text }) => {
    if (type !== "startup" || text.includes("application_name")) return "pass";
    cancels += 1;
    return cancels === 1 ? "cut" : "pass";
  });
  const long = sql`select pg_sleep(20)`;
  const answer = long.then(() => "done", errorCode);
  await Bun.sleep(100);
  long.cancel();

  expect(await answer).toBe("57014");
  expect(cancels).toBe(2);
}, 15_000);

test("cutting off a transaction cancels what runs, and the connection serves the next", async () => {
  const cancelled = await sql
    .begin(async (tx) => {
      const { tx: guarded, cutOff } = guardTx(tx);
      const running = guarded`select pg_sleep(9)`;
      const outcome = running.catch((error: unknown) => error);
      await Bun.sleep(200);
      cutOff("the test says so");
      throw await outcome;
    })
    .catch((error: unknown) => error);

  expect(errorCode(cancelled)).toBe("57014");
  expect([...(await sql`select 6 as n`)]).toEqual([{ n: 6 }]);
});

test("what a handler left running when it has returned has its end: no cancel comes too late and hits what follows", async () => {
  const outcome = await sql.begin(async (tx) => {
    const { tx: guarded, revoke } = guardTx(tx);
    const running = guarded<{ n: number }[]>`select 7 as n from pg_sleep(0.3)`.execute();
    await Bun.sleep(100);
    revoke("the handler has returned");
    return running.catch((error: unknown) => error);
  });

  expect([...(outcome as { n: number }[])]).toEqual([{ n: 7 }]);
});

test("a pool without a bound on its statements waits for an answer as long as it takes", async () => {
  const patient = connect(database.url, { max: 1, name: "patient", statementTimeoutMs: 0 });
  try {
    const [row] = await patient<{ n: number }[]>`select 1 as n from pg_sleep(6)`;
    expect(row?.n).toBe(1);
  } finally {
    await patient.end({ timeout: 1 });
  }
}, 30_000);

test("a pool that ends leaves the deadlines of the others, and one that is opened later has its own", async () => {
  const bounded = (name: string) => connect(proxy.url, { max: 1, name, statementTimeoutMs: 100 });
  const silenced = async (pool: Sql) => {
    await pool`select 1`;
    proxy.silence();
    const error = await pool`select 2`.catch((reason: unknown) => reason);
    proxy.heal();
    return errorCode(error);
  };
  const [first, second] = [bounded("first"), bounded("second")];
  try {
    await Promise.all([first`select 1`, second`select 1`]);
    await first.end();
    expect(await silenced(second)).toBe("CONNECTION_SILENT");
  } finally {
    await Promise.all([first, second].map((pool) => pool.end({ timeout: 1 })));
  }
  const third = bounded("third");
  try {
    expect(await silenced(third)).toBe("CONNECTION_SILENT");
  } finally {
    await third.end({ timeout: 1 });
  }
}, 40_000);
