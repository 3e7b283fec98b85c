import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { EngineError } from "../core/error.ts";
import { connect, type Sql, type Tx } from "./database.ts";
import { boundLocks, type Taken, tablesOf, takeTables } from "./hold-tables.ts";
import { type Holder, holdersOf, holdersText, isInTheWay, type Wanted, wayOut } from "./lock-holders.ts";
import { IN_THE_WAY_MAX_MS, LockWait, type Say } from "./lock-wait.ts";
import { ensurePartitions } from "./partitions.ts";

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

/** Characters of a line that a message shows. */
const LINE_SHOWN_MAX = 160;

/** How long one try waits until another process that migrates has ended a file. It waits for as many as it takes. */
const TURN_TRY_MS = 3_000;
const TURN = "migrate";

/** As `migrate`, through a connection whose statements take as long as they take: an index of years is not built in a minute. */
export async function migrateAt(url: string, sets: readonly MigrationSet[], say: Say): Promise<number> {
  const sql = connect(url, { max: 1, name: "migrate", statementTimeoutMs: 0 });
  try {
    return await migrate(sql, sets, undefined, say);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/**
 * Applies what is missing, each file in its own transaction. Safe from several processes at once, and beside older engines.
 * `withinMs`: how long one file is tried again that finds its tables in use; `say` hears of it.
 * @throws EngineError `database.migration`, `database.newer`, `database.partitions`
 */
export async function migrate(
  sql: Sql,
  sets: readonly MigrationSet[],
  withinMs = IN_THE_WAY_MAX_MS,
  say: Say = () => {},
): Promise<number> {
  let applied = 0;
  for (const set of sets) {
    for (const file of filesOf(set)) {
      const wait = new LockWait(sql, `migration ${set.schema}/${file}`, withinMs, say);
      applied += (await applyOne(sql, set, file, wait)) ? 1 : 0;
    }
  }
  // Last: a newer engine that migrates at this moment is waited for above.
  const beyond = breakingBeyond(sets, await appliedFiles(sql));
  if (beyond.length > 0) throw new NewerSchemaError(beyond);
  await ensurePartitions(sql, say, withinMs);
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

/** What one try tells the next. */
interface Tries {
  readonly wait: LockWait;
  /** The file met a lock although all that it names was held. */
  everything: boolean;
  /** What the last try needed, and the one that it waited for; none: a lock that the file does not name. */
  tables: readonly Taken[];
  waitsFor: Taken | undefined;
}

/** Another process migrates. */
class TurnTaken extends Error {}

/**
 * Older engines go on meanwhile. A file that alters two tables meets one that waits for the first and holds the second, and
 * PostgreSQL would end one of them: so it begins when it holds all that it alters. A try that does not get them lets go, and
 * engines go on for about as long as they have waited. Where handlers or queries take long and overlap, no short try succeeds.
 */
async function applyOne(sql: Sql, set: MigrationSet, file: string, wait: LockWait): Promise<boolean> {
  const tries: Tries = { wait, everything: false, tables: [], waitsFor: undefined };
  for (;;) {
    try {
      const applied = await tryOne(sql, set, file, tries);
      wait.end();
      return applied;
    } catch (error) {
      if (error instanceof TurnTaken) {
        await wait.tell({ turn: TURN }, "another process that migrates");
        continue;
      }
      const cause = error instanceof MigrationError ? error.cause : error;
      if (!isInTheWay(cause)) throw error;
      const wanted = wantedBy(set, tries);
      if (!(await wait.again(wanted, neededText(tries))))
        throw failed(set, file, cause, tries, await holdersOf(sql, wanted));
    }
  }
}

function wantedBy(set: MigrationSet, { waitsFor }: Tries): Wanted {
  return waitsFor === undefined ? { schemas: ["timeline", set.schema] } : { tables: [waitsFor] };
}

/** `timeline.saga (it needs timeline.saga, timeline.step_guard)`. */
function neededText({ waitsFor, tables }: Tries): string {
  if (waitsFor === undefined) return "a lock on something that it does not name";
  const all = tables.map(({ table }) => table).join(", ");
  return tables.length === 1 ? waitsFor.table : `${waitsFor.table} (it needs ${all})`;
}

async function tryOne(sql: Sql, set: MigrationSet, file: string, tries: Tries): Promise<boolean> {
  const source = readFileSync(join(set.folder, file), "utf8");
  const hash = hashOf(source);
  const applied = await sql.begin(async (tx) => {
    await takeTurn(tx);
    tries.wait.begin();
    await prepare(tx, set.schema);
    const [known] = await tx<AppliedRow[]>`
      select hash from timeline.migration where schema_name = ${set.schema} and file = ${file}
    `;
    if (known !== undefined) return known.hash === hash ? false : edited(set, file);
    await run(tx, set, file, source, tries);
    await tx`insert into timeline.migration (schema_name, file, hash) values (${set.schema}, ${file}, ${hash})`;
    return true;
  });
  return applied as boolean;
}

/** One process migrates; the others wait, for as long as that takes, and find it done. */
async function takeTurn(tx: Tx): Promise<void> {
  const [session] = await tx<{ bound: string }[]>`select current_setting('lock_timeout') as bound`;
  await boundLocks(tx, TURN_TRY_MS);
  try {
    await tx`select pg_advisory_xact_lock(hashtextextended(${TURN}, 3))`;
  } catch (error) {
    throw isInTheWay(error) ? new TurnTaken("another process migrates", { cause: error }) : error;
  }
  await tx`select set_config('lock_timeout', ${session?.bound ?? "0"}, true)`;
}

async function run(tx: Tx, set: MigrationSet, file: string, source: string, tries: Tries): Promise<void> {
  tries.waitsFor = undefined;
  try {
    const waitMs = await tries.wait.boundOfTry(tx);
    tries.tables = await tablesOf(tx, set.schema, source, tries.everything);
    await takeTables(tx, tries.tables, waitMs, (table) => {
      tries.waitsFor = table;
    });
    tries.waitsFor = undefined;
    // What only changes rows waits for them as every other transaction does, and holds no table up.
    if (tries.tables.length > 0) await boundLocks(tx, waitMs);
    await runFile(tx, source);
  } catch (error) {
    tries.everything ||= tries.waitsFor === undefined;
    throw failed(set, file, error, tries);
  }
}

/** PostgreSQL says how many characters into the file it went wrong; a person wants the line. */
async function runFile(tx: Tx, source: string): Promise<void> {
  try {
    await tx.unsafe(source);
  } catch (error) {
    if (!(error instanceof Error) || !("position" in error)) throw error;
    const before = [...source].slice(0, Number(error.position) - 1).join("");
    const lines = before.split("\n");
    const text = source.split(/\r?\n/)[lines.length - 1]?.trim().slice(0, LINE_SHOWN_MAX) ?? "";
    error.message += ` (line ${lines.length}, column ${(lines.at(-1) ?? "").length + 1}: ${text})`;
    throw error;
  }
}

function failed(set: MigrationSet, file: string, error: unknown, { waitsFor }: Tries, holders?: readonly Holder[]) {
  const message = error instanceof Error ? error.message : String(error);
  const by = holders === undefined || holders.length === 0 ? "" : ` by ${holdersText(holders)}`;
  const inUse =
    waitsFor !== undefined ? `${waitsFor.table} is in use${by}: ` : by === "" ? "" : `a lock is held${by}: `;
  const hint = `Nothing of this file was applied.${holders === undefined ? "" : ` ${wayOut(holders)} Then start again.`}`;
  return new MigrationError(`${set.schema}/${file} failed: ${inUse}${message}`, hint, error);
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
