import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";

import { connect, type Sql, type Tx } from "../../engine/timeline/database.ts";
import { migrate } from "../../engine/timeline/migrate.ts";
import { ensurePartitions } from "../../engine/timeline/partitions.ts";
import { root } from "../architecture/project-files.ts";
import { eventually } from "../support/engine.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";

let home: TempHome;
let database: FreshDatabase;
let sql: Sql;
let other: Sql;
let said: string[] = [];

beforeAll(async () => {
  [home, database] = await Promise.all([tempHome(), freshDatabase()]);
  sql = connect(database.url, { max: 1, name: "newer" });
  other = connect(database.url, { max: 10, name: "older" });
  await migrate(sql, [{ schema: "timeline", folder: join(root, "sql") }]);
}, 60_000);
afterAll(async () => {
  await sql?.end();
  await other?.end();
  await database?.drop();
  await home?.remove();
}, 60_000);
beforeEach(() => {
  said = [];
});

const say = (line: string) => void said.push(line);

/** One more migration, of an owner that has no others. */
async function applied(schema: string, source: string): Promise<number> {
  const folder = join(home.path, schema);
  await Bun.write(join(folder, "0001_more.sql"), source);
  return migrate(sql, [{ schema, folder }], undefined, say);
}

/** What is said while somebody else is in a transaction in which `hold` was done, and his pid. */
async function saidBeside(hold: (tx: Tx) => Promise<unknown>, work: () => Promise<unknown>) {
  let begun: Promise<unknown> | undefined;
  const holder = await other.begin(async (tx) => {
    await hold(tx);
    begun = work();
    await eventually("it says what it waits for", async () => said.length > 0);
    return (await tx<{ pid: number }[]>`select pg_backend_pid() as pid`)[0]?.pid;
  });
  const result = await begun;
  const [waits = "", ...later] = said.map((line) => line.replaceAll(/\b\d+ s\b/g, "… s"));
  return { result, holder, waits, later };
}

const heldBy = (pid: unknown) =>
  `held by pid ${pid} (ekiden older, idle in transaction, its transaction is open for … s).`;
const endIt = (pid: unknown) =>
  `Wait for the end of that transaction, or end it: select pg_terminate_backend(${pid}); An engine (“ekiden …”) that loses a transaction does its work again.`;

test("a migration that waits says for which tables, who holds them, and what to do about it", async () => {
  const { result, holder, waits, later } = await saidBeside(
    (tx) => tx`select from timeline.step_guard limit 1`,
    () =>
      applied(
        "says",
        "alter table timeline.saga add column says text; alter table timeline.step_guard add column says text;",
      ),
  );
  expect(waits).toBe(
    "migration says/0001_more.sql has waited … s for timeline.step_guard (it needs timeline.saga, timeline.step_guard), " +
      `${heldBy(holder)} It is tried again for … s. ${endIt(holder)}`,
  );
  expect(later).toEqual(["migration says/0001_more.sql waits no longer: done after … s"]);
  expect(result).toBe(1);
}, 60_000);

test("who only reads is not named as one who holds up what lets others read", async () => {
  const reads = await other.reserve();
  await reads`begin`;
  await reads`select from timeline.saga limit 1`;
  const { result, holder, waits } = await saidBeside(
    (tx) => tx`update timeline.saga set updated_at = updated_at where false`,
    () => applied("readable", "create index readable_idx on timeline.saga (updated_at);"),
  );
  await reads`rollback`;
  reads.release();
  expect(waits).toContain(`for timeline.saga, ${heldBy(holder)} It`);
  expect(result).toBe(1);
}, 60_000);

test("who works on one partition is named as one who holds the whole table", async () => {
  const { holder, waits } = await saidBeside(
    async (tx) => {
      const [part] = await tx<{ name: string }[]>`
        select inhrelid::regclass::text as name from pg_inherits where inhparent = 'timeline.event_request'::regclass limit 1
      `;
      await tx.unsafe(`select from ${part?.name} limit 1`);
    },
    () => applied("partitioned", "alter table timeline.event_request add column partitioned text;"),
  );
  expect(waits).toContain(`for timeline.event_request, ${heldBy(holder)} It`);
}, 60_000);

test("a migration that meets a lock that it does not name says who holds tables of its schema", async () => {
  await sql`set lock_timeout = '2s'`;
  const { result, holder, waits } = await saidBeside(
    (tx) => tx`select from timeline.event_consumption limit 1`,
    () =>
      applied(
        "hidden",
        "do $$ begin execute 'alter table timeline.' || 'event_consumption add column hidden text'; end $$;",
      ),
  );
  expect(waits).toContain(`migration hidden/0001_more.sql has waited … s for `);
  expect(waits).toContain(heldBy(holder));
  expect(result).toBe(1);
}, 60_000);

test("a process that waits for another one that migrates says which", async () => {
  const { result, holder, waits } = await saidBeside(
    (tx) => tx`select pg_advisory_xact_lock(hashtextextended('migrate', 3))`,
    () => applied("behind", "create table behind.one (id text);"),
  );
  expect(waits).toBe(
    `migration behind/0001_more.sql has waited … s for another process that migrates, ${heldBy(holder)} ${endIt(holder)}`,
  );
  expect(result).toBe(1);
}, 60_000);

async function loseLastPartition(): Promise<string | undefined> {
  const [last] = await other<{ name: string }[]>`
    select inhrelid::regclass::text as name from pg_inherits
    where inhparent = 'timeline.event_request'::regclass order by 1 desc limit 1
  `;
  await other.unsafe(`drop table ${last?.name}`);
  return last?.name;
}

test("making the next partitions waits in short tries, and says for whom", async () => {
  const name = await loseLastPartition();
  const { holder, waits, later } = await saidBeside(
    (tx) => tx`select from timeline.event_request limit 1`,
    () => ensurePartitions(sql, say),
  );
  expect(waits).toBe(
    "making the next partitions of the outbox has waited … s for timeline.event_request, " +
      `${heldBy(holder)} It is tried again for … s. ${endIt(holder)}`,
  );
  expect(later).toHaveLength(1);
  const [found] = await other<{ found: boolean }[]>`select to_regclass(${name ?? ""}) is not null as found`;
  expect(found?.found).toBe(true);
}, 60_000);

test("while the next one is there, who cannot make a later one goes on soon, and says why", async () => {
  const name = await loseLastPartition();
  await other.begin(async (tx) => {
    await tx`select from timeline.event_request limit 1`;
    const began = performance.now();
    await ensurePartitions(sql, say);
    // No try was longer than others may wait without harm: those that follow would be.
    expect(performance.now() - began).toBeLessThan(20_000);
  });
  expect(said.at(-1)?.replace(/by pid .*: canceling/, "by …: canceling")).toBe(
    "the next partitions of the outbox could not be made: timeline.event_request is in use by …: " +
      "canceling statement due to lock timeout. None is needed yet: it is tried again at the next start, and every 6 hours",
  );
  await ensurePartitions(sql, say);
  const [found] = await other<{ found: boolean }[]>`select to_regclass(${name ?? ""}) is not null as found`;
  expect(found?.found).toBe(true);
}, 60_000);

test("a start that cannot make the next one ends with who holds the outbox", async () => {
  // The one for in 20 days is this month's or the next.
  for (let lost = 0; lost < 4; lost += 1) await loseLastPartition();
  await other.begin(async (tx) => {
    await tx`select from timeline.event_request limit 1`;
    const ended = migrate(sql, [], 1_000, say).catch((error: unknown) => error);
    expect(await ended).toMatchObject({
      code: "database.partitions",
      message: expect.stringMatching(
        /timeline\.event_request is in use by pid \d+ \(ekiden older, .*: canceling statement/,
      ),
      hint: expect.stringMatching(
        /^Wait for the end of that transaction, or end it: select pg_terminate_backend\(\d+\);/,
      ),
    });
  });
  await ensurePartitions(sql, say);
}, 60_000);

test("a mistake in a migration is shown with its line", async () => {
  const source = "-- 一つ\ncreate table trip.leg (id text);\n  alter tabel trip.leg add column says text;\n";

  expect(await applied("trip", source).catch((error: unknown) => error)).toMatchObject({
    code: "database.migration",
    message:
      'trip/0001_more.sql failed: syntax error at or near "tabel" (line 3, column 9: alter tabel trip.leg add column says text;)',
    hint: "Nothing of this file was applied.",
  });
});
