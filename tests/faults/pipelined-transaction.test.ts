import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { connect, errorCode, type Sql, type Write } from "../../engine/timeline/database.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";
import { type PostgresProxy, postgresProxy } from "../support/postgres-proxy.ts";

/** What is sent with `begin` or with `commit`, and not waited for, must stand and fall with its transaction. */
let database: FreshDatabase;
let proxy: PostgresProxy;
let sql: Sql;

beforeAll(async () => {
  database = await freshDatabase();
  proxy = await postgresProxy(database.url);
  sql = connect(proxy.url, { max: 1, name: "pipelined" });
  await sql`create table kept (n integer primary key)`;
}, 60_000);
beforeEach(async () => {
  proxy.decide(() => "pass");
  await sql`truncate kept`;
});
afterAll(async () => {
  await sql?.end({ timeout: 1 });
  await proxy?.close();
  await database?.drop();
}, 30_000);

const kept = async () => (await sql<{ n: number }[]>`select n from kept order by n`).map(({ n }) => n);
const send = (write: Write) => write.execute();
const outcome = (work: Promise<unknown>) => work.then(() => "committed", errorCode);
/** The statement may be new to its connection, or known to it: the driver sends the two in different ways. */
const TWICE = [0, 1];

test("the first statements travel with begin, what is sent at the end with commit", async () => {
  const run = () =>
    sql.begin(async (tx) => {
      await Promise.all([tx`select 1 as one`, tx`select 2 as two`]);
      send(tx`insert into kept values (7) on conflict do nothing`);
    });
  await run();
  let sent = "";
  proxy.decide(({ from, type }) => {
    if (from === "client") sent += type;
    return "pass";
  });
  await run();

  // Bind and Execute for each statement, and one Sync for all that travel together.
  expect(sent).toBe("BEBEBES" + "BEBES");
  expect(await kept()).toEqual([7]);
});

test("a statement that is sent with the commit and fails takes everything with it", async () => {
  for (const _known of TWICE) {
    const failed = sql.begin(async (tx) => {
      await tx`insert into kept values (${1})`;
      send(tx`insert into kept values (${1})`);
      send(tx`insert into kept values (${2})`);
    });

    expect(await outcome(failed)).toBe("23505");
    expect(await kept()).toEqual([]);
  }
});

test("a statement that cannot be built takes the transaction with it, though nothing of it was sent", async () => {
  for (const _known of TWICE) {
    const failed = sql.begin(async (tx) => {
      await tx`insert into kept values (${1})`;
      send(tx`insert into kept values (${2})`);
      send(tx`insert into kept values (${undefined as never})`);
    });

    expect(await outcome(failed)).toBe("UNDEFINED_VALUE");
    expect(await kept()).toEqual([]);
  }
});

test("nothing runs when begin fails: neither what was sent with it nor what comes later", async () => {
  for (const _known of TWICE) {
    const early = sql.begin("isolation level of no kind", (tx) => tx`insert into kept values (${1})`);
    const late = sql.begin("isolation level of no kind", async (tx) => {
      await Bun.sleep(50);
      await tx`insert into kept values (${2})`;
    });

    expect([await outcome(early), await outcome(late)]).toEqual(["42601", "42601"]);
    expect(await kept()).toEqual([]);
  }
});

test("what comes while begin is on its way waits for its answer", async () => {
  let begun = false;
  proxy.decide(({ from, statement }) => {
    if (from === "client" && statement.startsWith("begin")) begun = true;
    return "pass";
  });
  for (const _known of TWICE) {
    begun = false;
    await sql.begin(async (tx) => {
      while (!begun) await new Promise((resolve) => setImmediate(resolve));
      await Promise.all([tx`insert into kept values (1)`, tx`insert into kept values (2)`]);
      send(tx`delete from kept where n = 2`);
    });

    expect(await kept()).toEqual([1]);
    await sql`truncate kept`;
  }
});

test("a commit that fails by itself says why", async () => {
  await sql`create table if not exists owed (n integer references kept deferrable initially deferred)`;
  const failed = sql.begin(async (tx) => {
    await tx`insert into kept values (${1})`;
    send(tx`insert into owed values (${9})`);
  });

  expect(await outcome(failed)).toBe("23503");
  expect(await kept()).toEqual([]);
  await sql`drop table owed`;
});

test.each(["commit", "rollback"])("a %s that the server did not begin leaves no transaction open", async (ending) => {
  const run = () =>
    outcome(
      sql.begin(async (tx) => {
        await tx`insert into kept values (3) on conflict do nothing`;
        if (ending === "rollback") throw Object.assign(new Error("no"), { code: "own" });
      }),
    );
  // Known to the connection, so that it is bound and not prepared anew.
  await run();
  await sql`truncate kept`;
  let spoilt = 0;
  proxy.decide(({ from, type, statement }) => {
    if (from === "server" || type !== "B" || statement !== ending || spoilt > 0) return "pass";
    spoilt += 1;
    return "spoil";
  });
  expect(await run()).toBe(ending === "commit" ? "26000" : "own");
  expect(spoilt).toBe(1);
  // On the only connection of the pool, which the transaction would keep.
  expect(await kept()).toEqual([]);
});

test("a commit that began and failed ends its transaction, and the next one on its connection is let alone", async () => {
  await sql`create table if not exists parent (n integer primary key)`;
  await sql`create table if not exists child (n integer references parent deferrable initially deferred)`;
  const failing = () => outcome(sql.begin(async (tx) => void (await tx`insert into child values (1)`)));
  const next = () =>
    outcome(
      sql.begin(async (tx) => {
        await tx`insert into kept values (11)`;
        await Bun.sleep(20);
        await tx`insert into kept values (12)`;
        throw Object.assign(new Error("no"), { code: "own" });
      }),
    );
  const last = () => outcome(sql.begin(async (tx) => void (await tx`insert into kept values (13)`)));
  for (const _known of TWICE) {
    await sql`delete from kept`;
    expect(await Promise.all([failing(), next(), last()])).toEqual(["23503", "own", "committed"]);
    expect(await kept()).toEqual([13]);
  }
});

test("after each of them the connection serves the next", async () => {
  const all = Array.from({ length: 30 }, (_, n) =>
    outcome(
      sql.begin(async (tx) => {
        await tx`select ${n}::integer`;
        send(tx`insert into kept values (${n % 3 === 0 ? 0 : n})`);
      }),
    ),
  );
  const outcomes = await Promise.all(all);

  expect(outcomes.filter((one) => one === "committed")).toHaveLength(21);
  expect(await kept()).toHaveLength(21);
});
