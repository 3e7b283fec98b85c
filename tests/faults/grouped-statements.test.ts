import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { connect, errorCode, type Sql, type Tx, together, type Write } from "../../engine/timeline/database.ts";
import { guardTx } from "../../engine/timeline/guarded-tx.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";

/** Statements that share a Sync, and those that cannot: each test has a connection of its own, which knows no statement. */
let database: FreshDatabase;
let sql: Sql;

beforeAll(async () => {
  database = await freshDatabase();
}, 60_000);
beforeEach(async () => {
  sql = connect(database.url, { max: 1, name: "grouped" });
  await sql`drop table if exists kept`;
  await sql`create table kept (n integer primary key)`;
});
afterEach(async () => {
  await sql.end({ timeout: 1 });
});
afterAll(() => database?.drop(), 30_000);

const HANGS_MS = 2_000;
const kept = async () => (await sql<{ n: number }[]>`select n from kept order by n`).map(({ n }) => n);
const send = (write: Write) => write.execute();
const outcome = (work: Promise<unknown>) =>
  Promise.race([
    work.then(() => "committed", errorCode),
    new Promise((resolve) => setTimeout(() => resolve("hangs"), HANGS_MS)),
  ]);
const IMPOSSIBLE = "isolation level of no kind";

test("a statement that is new to the connection does not run outside of a transaction that never began", async () => {
  const failed = sql.begin(IMPOSSIBLE, (tx) => tx`insert into kept values (${1})`);
  expect(await outcome(failed)).toBe("42601");
  const simple = sql.begin(IMPOSSIBLE, (tx) => tx.unsafe("insert into kept values (2)"));
  expect(await outcome(simple)).toBe("42601");

  expect(await kept()).toEqual([]);
});

test("what waits for its turn behind a begin that failed is told so", async () => {
  const many = sql.begin(IMPOSSIBLE, (tx) =>
    Promise.allSettled(Array.from({ length: 150 }, (_, n) => tx`select ${n}::integer`)).then(() => tx`select 1`),
  );
  expect(await outcome(many)).toBe("42601");
  const known = sql.begin(IMPOSSIBLE, (tx) =>
    Promise.allSettled(Array.from({ length: 150 }, () => tx`select 1 as one`)).then(() => tx`select 1`),
  );
  expect(await outcome(known)).toBe("42601");

  expect(await kept()).toEqual([]);
});

test("a statement that cannot be built behind one that is new to the connection ends the transaction", async () => {
  const failed = sql.begin(async (tx) => {
    send(tx`insert into kept values (${1})`);
    send(tx`insert into kept values (${undefined as never})`);
  });

  expect(await outcome(failed)).toBe("UNDEFINED_VALUE");
  expect(await kept()).toEqual([]);
});

test("a statement whose parameters cannot be written takes the transaction with it, known or new", async () => {
  const write = (tx: Tx, value: unknown) =>
    tx`insert into kept select (${tx.json(value as never)}::jsonb->>'n')::integer`;
  for (const _known of [0, 1]) {
    const failed = sql.begin(async (tx) => {
      send(tx`insert into kept values (100)`);
      send(write(tx, { n: 1n }));
    });

    expect(await outcome(failed)).toBeUndefined();
    expect(await kept()).toEqual([]);
    await sql.begin((tx) => write(tx, { n: 7 }));
    await sql`truncate kept`;
  }
});

test("a statement that a savepoint has undone does not keep the commit back", async () => {
  const done = sql.begin(async (tx) => {
    await tx`insert into kept values (${1})`;
    await tx.savepoint((inner) => inner`insert into kept values (${undefined as never})`).catch(() => {});
    send(tx`insert into kept values (${2})`);
  });

  expect(await outcome(done)).toBe("committed");
  expect(await kept()).toEqual([1, 2]);
});

test("more statements than a connection takes at once run in their order, new ones among them", async () => {
  await sql`delete from kept`;
  await sql.begin(async (tx) => {
    for (let n = 0; n < 120; n += 1) send(tx`select 1 as one`);
    send(tx`insert into kept values (${1})`);
    send(tx`delete from kept`);
    send(tx`insert into kept values (${2})`);
  });

  expect(await kept()).toEqual([2]);
});

test("a statement is cancelled when its group has its turn, not when those before it in the group are answered", async () => {
  await sql`select 1 as one`;
  const cancelled = sql.begin(async (tx) => {
    await tx`select 1 as one`;
    send(tx`select pg_sleep(0.5)`);
    await Bun.sleep(100);
    send(tx`select 1 as one`);
    const last = tx`select pg_sleep(4)`.execute();
    await Bun.sleep(100);
    last.cancel();
    await last;
  });

  expect(await outcome(cancelled)).toBe("57014");
});

test("an empty statement in a group does not take the answer of the next", async () => {
  for (const _known of [0, 1]) {
    const answers = await sql.begin((tx) =>
      Promise.all([tx`select 1 as n`, tx`-- nothing`, tx`select 2 as n`, tx`select 3 as n`]),
    );

    expect(answers.map((rows) => rows.map((row) => row["n"]))).toEqual([[1], [], [2], [3]]);
  }
});

test("a statement that is prepared once more carries the same parameters and its own answer", async () => {
  await sql`create table if not exists moved (n integer)`;
  await sql`insert into moved values (1)`;
  const ask = () => sql<{ said: unknown }[]>`select *, ${sql.json({ a: 1 })}::jsonb as said from moved`;
  await ask();
  await sql`alter table moved add column more integer`;
  const others: Promise<unknown>[] = [];
  let ended = false;
  const asked = ask().then((rows) => {
    ended = true;
    return rows;
  });
  for (let n = 0; !ended && n < 2_000; n += 1) {
    others.push(sql`select ${n}::integer as n`.then((rows) => rows[0]?.["n"]));
    await new Promise((resolve) => setImmediate(resolve));
  }

  expect((await asked).map(({ said }) => said)).toEqual([{ a: 1 }]);
  expect(await Promise.all(others)).toEqual(others.map((_other, n) => n));
  await sql`drop table moved`;
});

test("a group may take as long as the longest of its statements", async () => {
  // An answer may stay away for 500 ms.
  const impatient = connect(database.url, { max: 1, name: "impatient", statementTimeoutMs: -2_500, handlerMs: 60_000 });
  try {
    const slept = impatient.begin(async (raw) => {
      const { tx } = guardTx(raw, 10_000);
      await together([raw`select 1 as one`, tx`select pg_sleep(1.5) as slept`]);
    });
    expect(await outcome(slept)).toBe("committed");
  } finally {
    await impatient.end({ timeout: 1 });
  }
});

test("what work still sends when it has returned is refused, and does not run behind its commit", async () => {
  for (const _known of [0, 1]) {
    const strays: Promise<unknown>[] = [];
    await sql.begin(async (tx) => {
      await tx`select 1 as one`;
      for (let hops = 0; hops < 12; hops += 1)
        strays.push(later(hops, () => tx`insert into kept values (${hops})`).catch(() => {}));
    });
    await Promise.all(strays);
    const transactions = await sql<{ count: number }[]>`select count(distinct xmin::text) as count from kept`;

    // Those that came in time stand together in its transaction; the others are nowhere.
    expect(transactions[0]?.count).toBe(1);
    expect((await kept()).length).toBeLessThan(12);
    await sql`truncate kept`;
  }
});

/** Does it some steps of the event loop's queue of small tasks later. */
async function later(hops: number, act: () => Promise<unknown>): Promise<void> {
  for (let hop = 0; hop < hops; hop += 1) await undefined;
  await act();
}
