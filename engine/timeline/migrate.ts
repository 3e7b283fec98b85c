import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { EngineError } from "../core/error.ts";
import { connect, errorCode, type Sql, type Tx } from "./database.ts";

/** Migrations of one owner: the engine (`timeline`) or a domain; files `NNNN_subject.sql` in one folder. */
export interface MigrationSet {
  /** The schema they belong to. */
  readonly schema: string;
  readonly folder: string;
}

/** A migration that was applied and then edited, or one that fails. */
class MigrationError extends EngineError {
  readonly code = "database.migration";
  readonly hint: string;

  constructor(message: string, hint: string, cause?: unknown) {
    super(message, { cause });
    this.hint = hint;
  }
}

/** The schema belongs to a newer engine, and this one would do wrong on it. */
class NewerSchemaError extends EngineError {
  readonly code = "database.newer";
  readonly hint =
    "Start the newer engine, and stop the older processes. Back to the older one: restore the backup of before the upgrade.";

  constructor(files: readonly string[]) {
    super(`the database is newer than this engine, which cannot work with ${files.join(", ")}`);
  }
}

/**
 * A migration that processes of the version before cannot work with says so in its name, which is all of it that they know.
 * All others only add.
 */
const BREAKS = /_breaking\.sql$/;

const DEADLOCKED = "40P01";
const LOCK_TIMEOUT = "55P03";
/** How often a file is applied that meets older engines in a deadlock. */
const TRIES_MAX = 8;
/** In this order engines come to them, and to all other tables after one of these: whoever holds them waits for nobody. */
const FIRST_TABLES = ["timeline.saga", "timeline.event_request"];

/** As `migrate`, through a connection whose statements take as long as they take: an index of years is not built in a minute. */
export async function migrateAt(url: string, sets: readonly MigrationSet[]): Promise<number> {
  const sql = connect(url, { max: 1, name: "migrate", statementTimeoutMs: 0 });
  try {
    return await migrate(sql, sets);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/**
 * Applies what is missing, each file in its own transaction. Safe from several processes at once.
 * @throws EngineError `database.migration`, `database.newer`
 */
export async function migrate(sql: Sql, sets: readonly MigrationSet[]): Promise<number> {
  let applied = 0;
  for (const set of sets) {
    for (const file of filesOf(set)) applied += (await applyOne(sql, set, file)) ? 1 : 0;
  }
  // Last: a newer engine that migrates at this moment is waited for above.
  const beyond = breakingBeyond(sets, await appliedFiles(sql));
  if (beyond.length > 0) throw new NewerSchemaError(beyond);
  await sql`select timeline.ensure_partitions()`;
  return applied;
}

/** What `migrate` would apply, and what it would refuse, as `schema/file`. Changes nothing. */
export async function migrationState(
  sql: Sql,
  sets: readonly MigrationSet[],
): Promise<{
  readonly missing: readonly string[];
  readonly edited: readonly string[];
  readonly newer: readonly string[];
}> {
  const [found] = await sql<{ exists: boolean }[]>`select to_regclass('timeline.migration') is not null as exists`;
  const rows = found?.exists ? await appliedFiles(sql) : [];
  const applied = new Map(rows.map(({ place, hash }) => [place, hash]));
  const files = sets.flatMap((set) =>
    filesOf(set).map((file) => ({ place: `${set.schema}/${file}`, path: join(set.folder, file) })),
  );
  const edited = files.filter(({ place, path }) => {
    const hash = applied.get(place);
    return hash !== undefined && hash !== hashOf(readFileSync(path, "utf8"));
  });
  const missing = files.filter(({ place }) => !applied.has(place));
  return {
    missing: missing.map(({ place }) => place),
    edited: edited.map(({ place }) => place),
    newer: breakingBeyond(sets, rows),
  };
}

interface AppliedFile {
  readonly place: string;
  readonly hash: string;
}

async function appliedFiles(sql: Sql): Promise<readonly AppliedFile[]> {
  return sql<AppliedFile[]>`select schema_name || '/' || file as place, hash from timeline.migration order by 1`;
}

/** What was applied by a newer engine or domain, and breaks this one. */
function breakingBeyond(sets: readonly MigrationSet[], applied: readonly AppliedFile[]): string[] {
  const known = new Set(sets.flatMap((set) => filesOf(set).map((file) => `${set.schema}/${file}`)));
  const schemas = new Set(sets.map(({ schema }) => schema));
  return applied
    .map(({ place }) => place)
    .filter((place) => BREAKS.test(place) && schemas.has(place.split("/")[0] ?? "") && !known.has(place));
}

function hashOf(source: string): string {
  return createHash("sha256").update(source).digest("hex");
}

function filesOf(set: MigrationSet): string[] {
  if (!existsSync(set.folder)) return [];
  return readdirSync(set.folder)
    .filter((name) => /^\d{4}_[a-z0-9_]+\.sql$/.test(name))
    .sort();
}

interface AppliedRow {
  hash: string;
}

/**
 * Older engines go on meanwhile. A file that alters two tables deadlocks with one that waits for the first and holds the
 * second, and would each time, since PostgreSQL ends whoever began to wait last: so from the second try on, engines wait first.
 */
async function applyOne(sql: Sql, set: MigrationSet, file: string): Promise<boolean> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await tryOne(sql, set, file, tries > 1);
    } catch (error) {
      if (tries === TRIES_MAX || !isDeadlock(error)) throw error;
    }
  }
}

function isDeadlock(error: unknown): boolean {
  return errorCode(error instanceof MigrationError ? error.cause : error) === DEADLOCKED;
}

async function tryOne(sql: Sql, set: MigrationSet, file: string, engineWaits: boolean): Promise<boolean> {
  const source = readFileSync(join(set.folder, file), "utf8");
  const hash = hashOf(source);
  const applied = await sql.begin(async (tx) => {
    await takeTurn(tx);
    await prepare(tx, set.schema);
    const [known] = await tx<AppliedRow[]>`
      select hash from timeline.migration where schema_name = ${set.schema} and file = ${file}
    `;
    if (known !== undefined) return known.hash === hash ? false : edited(set, file);
    if (engineWaits) await holdOff(tx);
    await run(tx, set, file, source);
    await tx`insert into timeline.migration (schema_name, file, hash) values (${set.schema}, ${file}, ${hash})`;
    return true;
  });
  return applied as boolean;
}

/** One process migrates; the others wait, for as long as that takes, and find it done. */
async function takeTurn(tx: Tx): Promise<void> {
  const [session] = await tx<{ bound: string }[]>`select current_setting('lock_timeout') as bound`;
  await tx`set local lock_timeout = 0`;
  await tx`select pg_advisory_xact_lock(hashtextextended('migrate', 3))`;
  await tx`select set_config('lock_timeout', ${session?.bound ?? "0"}, true)`;
}

async function holdOff(tx: Tx): Promise<void> {
  for (const table of FIRST_TABLES) {
    const [found] = await tx<{ exists: boolean }[]>`select to_regclass(${table}) is not null as exists`;
    if (found?.exists) await tx`lock table ${tx(table)} in access exclusive mode`;
  }
}

async function run(tx: Tx, set: MigrationSet, file: string, source: string): Promise<void> {
  try {
    await tx.unsafe(source);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const inTheWay = " A transaction of somebody else holds a table: look for it in pg_stat_activity, and start again.";
    const hint = `Nothing of this file was applied.${errorCode(error) === LOCK_TIMEOUT ? inTheWay : ""}`;
    throw new MigrationError(`${set.schema}/${file} failed: ${message}`, hint, error);
  }
}

async function prepare(tx: Tx, schema: string): Promise<void> {
  await tx`create schema if not exists timeline`;
  await tx`create schema if not exists ${tx(schema)}`;
  const [found] = await tx<{ exists: boolean }[]>`select to_regclass('timeline.migration') is not null as exists`;
  if (found?.exists) return;
  await tx`
    create table timeline.migration (
      schema_name text not null,
      file text not null,
      hash text not null,
      applied_at timestamptz not null default clock_timestamp(),
      constraint migration_pkey primary key (schema_name, file)
    )
  `;
  await tx`comment on table timeline.migration is 'Migrations that were applied, of the engine and of the domains.'`;
  await tx`comment on column timeline.migration.schema_name is 'Whose: timeline, or the schema of a domain.'`;
  await tx`comment on column timeline.migration.file is 'File name.'`;
  await tx`comment on column timeline.migration.hash is 'SHA-256 of the file; an edited one is refused.'`;
  await tx`comment on column timeline.migration.applied_at is 'When.'`;
}

function edited(set: MigrationSet, file: string): never {
  throw new MigrationError(
    `${set.schema}/${file} was edited after it had been applied`,
    "Migrations go forward only: restore the file and write the change into a new one.",
  );
}
