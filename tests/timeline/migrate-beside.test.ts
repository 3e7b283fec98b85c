import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";

import { parseConfig } from "../../engine/config.ts";
import { startEngine } from "../../engine/main.ts";
import { createLog } from "../../engine/telemetry/log.ts";
import { connect, type Sql, type Tx } from "../../engine/timeline/database.ts";
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
  older = connect(database.url, { max: 4, name: "older" });
  await migrate(sql, [MIGRATIONS]);
}, 60_000);
afterAll(async () => {
  await sql?.end();
  await older?.end();
  await database?.drop();
  await home?.remove();
}, 60_000);

/** One more migration, of an owner that has no others. */
async function migration(schema: string, source: string): Promise<() => Promise<unknown>> {
  const folder = join(home.path, schema);
  await Bun.write(join(folder, "0001_more.sql"), source);
  return () => migrate(sql, [{ schema, folder }]).catch((error: unknown) => error);
}

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
  let over = false;
  const moves = (tx: Tx) => tx`select from timeline.saga for update`;
  const claims = (tx: Tx) => tx`select from timeline.event_request r, timeline.step_guard g limit 1`;
  const work = [moves, claims, moves, claims].map(async (begin) => {
    while (!over)
      await older
        .begin(async (tx) => {
          await begin(tx);
          await Bun.sleep(20);
          await tx`select from timeline.event_consumption limit 1`;
        })
        .catch(() => {});
  });
  const applied = await apply();
  over = true;
  await Promise.all(work);
  expect(applied).toBe(1);
}, 60_000);

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

test("a table that somebody holds is waited for as long as every other lock, and the hint says where to look", async () => {
  const apply = await migration("held", "alter table timeline.saga add column held text;");
  await sql`set lock_timeout = '300ms'`;
  await older.begin(async (tx) => {
    await tx`select from timeline.saga limit 1`;
    expect(await apply()).toMatchObject({
      code: "database.migration",
      hint: "Nothing of this file was applied. A transaction of somebody else holds a table: look for it in pg_stat_activity, and start again.",
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
