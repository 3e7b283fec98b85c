import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import postgres from "postgres";

import { parseConfig } from "../../engine/config.ts";
import { type RunningEngine, startEngine } from "../../engine/main.ts";
import { createLog } from "../../engine/telemetry/log.ts";
import type { Sql } from "../../engine/timeline/database.ts";
import { migrate } from "../../engine/timeline/migrate.ts";
import { root } from "../architecture/project-files.ts";
import { ekiden } from "../cli/run-cli.ts";
import { Client } from "../support/client.ts";
import { LAB } from "../support/engine.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";

/** All rows that the engine of an earlier commit left when it was killed; scripts/make-release-rows.ts writes it. */
interface Release {
  readonly takenAt: string;
  readonly xid: string;
  readonly sagas: Readonly<Record<"done" | "waits" | "undone" | "onItsWay", string>>;
  readonly rows: Readonly<Record<string, readonly object[]>>;
}

const SQL_FOLDER = join(root, "sql");
const NEWEST_THEN = 18;
const release = (await Bun.file(join(import.meta.dir, "release-0018/rows.json")).json()) as Release;
const { sagas } = release;

let home: TempHome;
let database: FreshDatabase;
let sql: postgres.Sql;
let engine: RunningEngine | undefined;
const client = new Client(() => engine?.url ?? "");

beforeAll(async () => {
  [home, database] = await Promise.all([tempHome(), freshDatabase()]);
  sql = postgres(database.url, { max: 2, onnotice: () => {} });
  await migrateTo("released", (number) => number <= NEWEST_THEN);
  await putBack();
}, 60_000);

afterAll(async () => {
  await engine?.stop();
  await sql?.end({ timeout: 5 });
  await database?.drop();
  await home?.remove();
}, 30_000);

/** The engine's migrations of these numbers, and files of our own, as another version would bring them. */
async function migrateTo(name: string, wanted: (number: number) => boolean, own: Record<string, string> = {}) {
  const folder = join(home.path, name);
  for (const file of readdirSync(SQL_FOLDER).filter((file) => wanted(Number(file.slice(0, 4)))))
    await cp(join(SQL_FOLDER, file), join(folder, file));
  for (const [file, source] of Object.entries(own)) await Bun.write(join(folder, file), source);
  await migrate(sql as Sql, [
    { schema: "timeline", folder },
    { schema: "lab", folder: join(LAB, "lab/sql") },
  ]);
}

/** The rows as they were, without what belongs to the server they were on. */
async function putBack(): Promise<void> {
  // Transactions are numbered by the server, and the outbox is read in that order: none of the rows may be of one to come.
  const [row] = await sql<{ next: string }[]>`select pg_current_xact_id()::text as next`;
  for (let next = BigInt(row?.next ?? 0); next <= BigInt(release.xid); next++) await sql`select pg_current_xact_id()`;
  const month = release.takenAt.slice(0, 7);
  await sql.begin(async (tx) => {
    await tx.unsafe(`do $$ begin
      if to_regclass('timeline.event_request_${month.replace("-", "")}') is null then
        execute format('create table timeline.event_request_${month.replace("-", "")} partition of timeline.event_request for values from (%L) to (%L)',
          timeline.ulid_time(timestamptz '${month}-01 00:00Z') || repeat('0', 16),
          timeline.ulid_time(timestamptz '${month}-01 00:00Z' + interval '1 month') || repeat('0', 16));
      end if;
    end $$`);
    await tx`set local session_replication_role = replica`;
    for (const [name, rows] of Object.entries(release.rows)) await putRows(tx, name, rows);
    await tx`update timeline.timer set due_at = due_at + (clock_timestamp() - ${release.takenAt}::timestamptz)`;
  });
}

async function putRows(tx: postgres.TransactionSql, name: string, rows: readonly object[]): Promise<void> {
  const columns = await tx<{ name: string; identity: boolean }[]>`
    select attname as name, attidentity <> '' as identity from pg_attribute
    where attrelid = ${name}::regclass and attnum > 0 and not attisdropped and attgenerated = ''
  `;
  const names = columns.map((column) => column.name);
  await tx`delete from ${tx(name)}`;
  await tx`
    insert into ${tx(name)} (${tx(names)}) overriding system value
    select ${tx(names)} from jsonb_populate_recordset(null::${tx(name)}, ${tx.json(rows as never)})
  `;
  for (const { name: column } of columns.filter(({ identity }) => identity)) {
    await tx`select setval(pg_get_serial_sequence(${name}, ${column}), (select coalesce(max(${tx(column)}), 0) + 1 from ${tx(name)}))`;
  }
}

const environment = () => ({ DATABASE_URL: database.url, EKIDEN_DOMAINS: LAB, EKIDEN_LOG: "json", PORT: "0" });

async function start(): Promise<RunningEngine> {
  return startEngine(
    parseConfig(environment()),
    createLog("json", () => {}),
    () => {},
  );
}

test("what the older engine left in the middle is migrated, and goes on: waits, compensation, a command on its way", async () => {
  engine = await start();
  const states = Object.values(sagas).map(async (id) => (await client.saga(id)).status);
  expect(await Promise.all(states)).toEqual(["completed", "running", "running", "running"]);

  await client.ok("POST", "/v1/consumer-groups/lab/resume", { reason: "upgraded" });
  expect((await client.settled(sagas.onItsWay)).status).toBe("completed");
  await client.ok("POST", `/v1/sagas/${sagas.waits}/signals/decided`, { ok: true });
  expect((await client.settled(sagas.waits)).status).toBe("completed");
  await client.ok("POST", `/v1/sagas/${sagas.undone}/signals/decided`, { ok: false });
  expect(await client.settled(sagas.undone)).toMatchObject({
    status: "failed",
    error: { code: "refused" },
    uncompensated: [],
  });
  const undone = await sql`select saga_id from lab.undone`;
  expect(undone.map(({ saga_id: id }) => id)).toEqual([sagas.undone]);
}, 60_000);

test("the upgraded history folds to what is stored, and what the older engine's operators did is in the chain of the audit", async () => {
  const report = (await client.ok("GET", "/v1/verify")) as { differences: readonly unknown[] };
  expect(report.differences).toEqual([]);
  const audit = (await client.ok("GET", "/v1/audit")) as { items: { action: string; reason: string }[] };
  expect(audit.items.map(({ action, reason }) => `${action}: ${reason}`)).toEqual([
    "group.resume: upgraded",
    "group.pause: before the upgrade",
  ]);
  expect(await client.ok("GET", "/v1/audit/verification")).toMatchObject({ whole: true, rows: 2 });
}, 30_000);

test("with a schema that is one addition ahead, as a newer engine beside it has made it, it goes on and starts again", async () => {
  const addition = {
    "0998_addition.sql": "alter table timeline.saga add column later text; create table timeline.later (id text);",
  };
  await migrateTo("ahead", () => true, addition);
  const { sagaId } = await client.start("three", { note: "one ahead" });
  expect((await client.settled(sagaId)).status).toBe("completed");

  await engine?.stop();
  engine = await start();
  const again = await client.start("three", { note: "one ahead, again" });
  expect((await client.settled(again.sagaId)).status).toBe("completed");
}, 60_000);

test("a newer schema that says that it breaks older engines is refused at the start, and the doctor is red", async () => {
  await migrateTo("beyond", () => true, {
    "0998_addition.sql": "alter table timeline.saga add column later text; create table timeline.later (id text);",
    "0999_other_breaking.sql": "alter table timeline.later rename to much_later;",
  });
  await engine?.stop();
  engine = undefined;
  expect(await start().catch((error: unknown) => error)).toMatchObject({
    code: "database.newer",
    message: "the database is newer than this engine, which cannot work with timeline/0999_other_breaking.sql",
  });
  const { out, code } = await ekiden(["doctor", "--json"], { ...environment(), EKIDEN_HOME: "no-such-home" });
  expect(code).toBe(1);
  const { findings } = JSON.parse(out) as { findings: { check: string; level: string; detail: string }[] };
  expect(findings.filter(({ check }) => check === "migrations")).toMatchObject([
    { level: "red", detail: "of a newer engine, and breaking: timeline/0999_other_breaking.sql" },
  ]);
}, 60_000);
