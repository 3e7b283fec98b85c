import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";

import { parseConfig } from "../../engine/config.ts";
import { startEngine } from "../../engine/main.ts";
import { createLog } from "../../engine/telemetry/log.ts";
import { connect, errorCode, type Sql, type Tx } from "../../engine/timeline/database.ts";
import { migrate } from "../../engine/timeline/migrate.ts";
import { root } from "../architecture/project-files.ts";
import { eventually, LAB } from "../support/engine.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";

const MIGRATIONS = { schema: "timeline", folder: join(root, "sql") };

let home: TempHome;
let database: FreshDatabase;
let sql: Sql;
let older: Sql;

beforeAll(async () => {
  [home, database] = await Promise.all([tempHome(), freshDatabase()]);
  sql = connect(database.url, { max: 1, name: "newer" });
  older = connect(database.url, { max: 10, name: "older" });
  await migrate(sql, [MIGRATIONS]);
}, 60_000);
afterAll(async () => {
  await sql?.end();
  await older?.end();
  await database?.drop();
  await home?.remove();
}, 60_000);

/** One more migration, of an owner that has no others. */
async function migration(schema: string, source: string, withinMs?: number): Promise<() => Promise<unknown>> {
  const folder = join(home.path, schema);
  await Bun.write(join(folder, "0001_more.sql"), source);
  return () => migrate(sql, [{ schema, folder }], withinMs).catch((error: unknown) => error);
}

/** Transactions of an older engine, each begun anew when it ends, while `work` goes on; and the errors that they met. */
async function beside<T>(loops: readonly ((tx: Tx) => Promise<unknown>)[], work: () => Promise<T>) {
  let over = false;
  let done = 0;
  const errors: unknown[] = [];
  const running = loops.map(async (transaction) => {
    while (!over) {
      await older.begin(transaction).catch((error: unknown) => errors.push(errorCode(error) ?? error));
      done += 1;
    }
  });
  await eventually("each has been there", async () => done > loops.length);
  const result = await work();
  over = true;
  await Promise.all(running);
  return { result, errors };
}

/** The dispatcher's: sagas first. */
async function moves(tx: Tx): Promise<void> {
  await tx`select from timeline.saga for update`;
  await Bun.sleep(20);
  await tx`select from timeline.event_consumption limit 1`;
}

/** A participant's, with commands of its own: it comes to the requests when its handler has ended. */
const handles = (handlerMs: number) => async (tx: Tx) => {
  const key = crypto.randomUUID();
  await tx`select now from timeline.open_own('lab', ${[key]}::text[], ${[key]}::text[], ${["false"]}::text[]::boolean[], null)`;
  await Bun.sleep(handlerMs * (0.5 + Math.random()));
  await tx`select message_id from timeline.close_batch('lab', '[]'::jsonb, 'older', 0)`;
};

const times = <T>(count: number, one: T): T[] => Array.from({ length: count }, () => one);

const newerWaits = (asker: Sql | Tx) =>
  eventually("the newer engine waits", async () => {
    const rows = await asker`
      select from pg_stat_activity a join pg_locks l on l.pid = a.pid
      where a.datname = current_database() and a.application_name = 'ekiden newer' and not l.granted
    `;
    return rows.length > 0;
  });

test("a file that meets an older engine's transaction in a deadlock is applied all the same", async () => {
  const apply = await migration(
    "crossing",
    `alter table timeline.event_consumption add column crossed text;
    alter table timeline.saga add column crossed text;`,
  );
  let applied: Promise<unknown> | undefined;
  await older.begin(async (tx) => {
    await tx`select from timeline.saga for update`;
    applied = apply();
    await newerWaits(tx);
    await tx`select from timeline.event_consumption limit 1`;
  });
  expect(await applied).toBe(1);
}, 30_000);

test("also one that takes so long that the older engine, which never rests, always began to wait first", async () => {
  const apply = await migration(
    "long_crossing",
    `alter table timeline.event_consumption add column long_crossed text;
    select pg_sleep(1.5);
    alter table timeline.saga add column long_crossed text;
    alter table timeline.step_guard add column long_crossed text;`,
  );
  const claims = async (tx: Tx) => {
    await tx`select from timeline.event_request r, timeline.step_guard g limit 1`;
    await Bun.sleep(20);
    await tx`select from timeline.event_consumption limit 1`;
  };
  expect(await beside([moves, claims, moves, claims], apply)).toEqual({ result: 1, errors: [] });
}, 60_000);

test("participants whose handlers never rest, and the dispatcher, wait for a file and meet no error", async () => {
  const apply = await migration(
    "participants",
    `alter table timeline.event_consumption add column participants text;
    select pg_sleep(1.5);
    alter table timeline.saga add column participants text;
    alter table timeline.step_guard add column participants text;`,
  );
  const loops = [...times(6, handles(100)), moves, moves];
  expect(await beside(loops, apply)).toEqual({ result: 1, errors: [] });
}, 120_000);

test("a file is applied also beside handlers that take longer than one try", async () => {
  const apply = await migration(
    "slow_handlers",
    `drop index timeline.saga_parent_id_idx;
    alter table timeline.event_consumption add column slow_handlers text;
    alter table timeline.event_request add column slow_handlers text;`,
  );
  const loops = [...times(4, handles(1_000)), moves, moves];
  expect(await beside(loops, apply)).toEqual({ result: 1, errors: [] });
}, 120_000);

test("a file that does not write which tables it alters is applied in their midst", async () => {
  const apply = await migration(
    "hidden",
    `do $$ begin
      execute 'alter table timeline.' || 'event_consumption add column hidden text';
      execute 'alter table timeline.' || 'saga add column hidden text';
      execute 'alter table timeline.' || 'step_guard add column hidden text';
    end $$;`,
  );
  const loops = [...times(6, handles(100)), moves, moves];
  expect((await beside(loops, apply)).result).toBe(1);
}, 120_000);

test("who only reads goes on beside a file that makes an index or changes rows, however long that takes", async () => {
  const apply = await migration(
    "readable",
    `create index readable_idx on timeline.saga (updated_at);
    update timeline.definition set version = version;
    create or replace function readable.unused() returns void language sql as $$ drop table timeline.event_request $$;
    select pg_sleep(2);`,
  );
  const applied = apply();
  await eventually("the file is on its last statement", async () => {
    const rows = await older`
      select from pg_stat_activity
      where datname = current_database() and application_name = 'ekiden newer' and wait_event = 'PgSleep'
    `;
    return rows.length > 0;
  });
  await older.begin(async (tx) => {
    await tx`set local lock_timeout = '300ms'`;
    await tx`select from timeline.saga s, timeline.definition d, timeline.event_request r limit 1`;
    await tx`update timeline.event_request set producer = producer where false`;
  });
  expect(await applied).toBe(1);
}, 30_000);

test("a table of another owner is referenced without a right to lock it", async () => {
  await older.unsafe(`
    create role referrer;
    grant create on database ${new URL(database.url).pathname.slice(1)} to referrer;
    create schema foreign_owner;
    create table foreign_owner.one (id text primary key);
    grant usage on schema foreign_owner, timeline to referrer;
    grant references on foreign_owner.one to referrer;
    grant references on timeline.definition to referrer;
    grant select on all tables in schema timeline to referrer;
    grant insert on timeline.migration to referrer;
    grant execute on all functions in schema timeline to referrer;
  `);
  const apply = await migration(
    "referring",
    `create table referring.one (
      id text references foreign_owner.one (id),
      definition text references timeline.definition (name)
    );`,
  );
  await older`create schema referring authorization referrer`;
  await sql`set role referrer`;
  const applied = await apply();
  await sql`reset role`;
  await older`drop owned by referrer`;
  await older`drop role referrer`;
  expect(applied).toBe(1);
}, 30_000);

test("another process that migrates is waited for, however long that takes", async () => {
  const apply = await migration("behind", "create table behind.one (id text);");
  await sql`set lock_timeout = '300ms'`;
  const holder = await older.reserve();
  await holder`select pg_advisory_lock(hashtextextended('migrate', 3))`;
  const applied = apply();
  await newerWaits(older);
  await Bun.sleep(1_000);
  await holder`select pg_advisory_unlock(hashtextextended('migrate', 3))`;
  holder.release();
  expect(await applied).toBe(1);
}, 30_000);

const pidOf = async (tx: Tx) => (await tx<{ pid: number }[]>`select pg_backend_pid() as pid`)[0]?.pid;

const HELD_HINT = /^Nothing of this file was applied\. Wait for the end of (.*) Then start again\.$/;

test("a table that somebody holds is waited for no longer than said, and the error says who it is", async () => {
  const apply = await migration("held", "alter table timeline.saga add column held text;", 1_000);
  await older.begin(async (tx) => {
    await tx`select from timeline.saga limit 1`;
    const pid = await pidOf(tx);
    expect(await apply()).toMatchObject({
      code: "database.migration",
      message: expect.stringMatching(
        new RegExp(
          `^held/0001_more\\.sql failed: timeline\\.saga is in use by pid ${pid} \\(ekiden older, idle in transaction, ` +
            "its transaction is open for \\d+ s\\): canceling statement due to lock timeout$",
        ),
      ),
      hint: expect.stringMatching(HELD_HINT),
    });
  });
  expect(await apply()).toBe(1);
}, 30_000);

test("the file is named also when what is in its way came to light in a later try", async () => {
  const apply = await migration(
    "held_later",
    `do $$ begin
      execute 'alter table timeline.' || 'event_consumption add column held_later text';
      execute 'alter table timeline.' || 'saga add column held_later text';
    end $$;`,
    3_000,
  );
  await sql`set lock_timeout = '3s'`;
  let applied: Promise<unknown> | undefined;
  await older.begin(async (dump) => {
    await dump`select from timeline.event_request limit 1`;
    await older.begin(async (tx) => {
      await tx`select from timeline.saga for update`;
      applied = apply();
      await newerWaits(tx);
      await tx`select from timeline.event_consumption limit 1`;
    });
    expect(await applied).toMatchObject({
      code: "database.migration",
      message: expect.stringContaining("held_later/0001_more.sql failed: "),
      hint: expect.stringMatching(HELD_HINT),
    });
  });
  expect(await apply()).toBe(1);
}, 30_000);

test("a start applies what takes longer than a statement of the engine may", async () => {
  const domains = join(home.path, "domains");
  await mkdir(join(domains, "lab/sql"), { recursive: true });
  for (const name of ["behaviour.ts", "domain.ts", "sql/0001_init.sql"])
    await symlink(join(LAB, "lab", name), join(domains, "lab", name));
  await Bun.write(join(domains, "lab/sql/0002_long.sql"), "select pg_sleep(5);");
  const environment = { DATABASE_URL: database.url, EKIDEN_DOMAINS: domains, EKIDEN_LOG: "json", PORT: "0" };
  const config = parseConfig({ ...environment, EKIDEN_STATEMENT_TIMEOUT: "1" });
  const quiet = createLog("json", () => {});
  const started = await startEngine(config, quiet, () => {}).catch((error: unknown) => error);
  expect(started).toHaveProperty("url");
  if (started !== null && typeof started === "object" && "stop" in started)
    await (started.stop as () => Promise<void>)();
}, 60_000);
