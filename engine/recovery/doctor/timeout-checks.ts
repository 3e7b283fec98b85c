import { connectPlain, type Sql } from "../../timeline/database.ts";
import { fault, type Finding, fine } from "./finding.ts";

/**
 * Bounds of a session: below `least` milliseconds the engine cannot work with it, below `risky` it ends what is sound, and
 * what it does to those whom it meets.
 */
const BOUNDS: Readonly<Record<string, { readonly least: number; readonly risky: number; readonly effect: string }>> = {
  statement_timeout: { least: 1_000, risky: 10_000, effect: "a statement that takes longer is cancelled" },
  lock_timeout: { least: 100, risky: 1_000, effect: "whoever waits longer for a lock is refused" },
  transaction_timeout: { least: 5_000, risky: 60_000, effect: "a transaction that takes longer loses its connection" },
  idle_in_transaction_session_timeout: {
    least: 1_000,
    risky: 10_000,
    effect: "a transaction that pauses for longer loses its connection",
  },
  idle_session_timeout: { least: 1_000, risky: 60_000, effect: "a connection that is idle for longer is ended" },
  tcp_user_timeout: { least: 1_000, risky: 5_000, effect: "a network that pauses for longer ends the connection" },
};
const DURABLE = "synchronous_commit";

/** Who it is that has the defaults: everybody else sets bounds of its own. */
const MET = "It holds for sessions that set none of their own: participants in other languages, the connector, psql";

/**
 * Bounds that PostgreSQL gives to sessions, and where they come from. Those of the engine and of its domains set their own at
 * their login, unless something in between keeps that back. `url`: with the engine's login.
 */
export async function timeoutChecks(sql: Sql, url: string): Promise<readonly Finding[]> {
  const found = [...(await ownBounds(sql)), ...(await givenBounds(sql, url))];
  return found.length > 0
    ? found
    : [fine("timeouts", "no session is cut short by a setting of server, database or role")];
}

interface OwnRow {
  readonly name: string;
  readonly value: string;
  readonly source: string;
}

/**
 * What the engine asked for and did not get. Without transaction_timeout: the first connection of a process does not know
 * yet whether the server has it.
 */
async function ownBounds(sql: Sql): Promise<readonly Finding[]> {
  const rows = await sql<OwnRow[]>`
    select name, current_setting(name) as value, source from pg_settings
    where name in ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout',
      'tcp_user_timeout') and source not in ('client', 'session')
    order by 1
  `;
  return rows.map(({ name, value, source }) => {
    const ms = msOf(value);
    const level = ms > 0 && ms < (BOUNDS[name]?.least ?? 0) ? "red" : "warn";
    const detail = `${name} of the engine's own sessions is ${value} (source: ${source}): what they set at their login does not reach PostgreSQL`;
    return fault(level, "timeouts", detail, "Let DATABASE_URL name PostgreSQL itself, without a pooler in between.");
  });
}

/** One setting that somebody has made: `role` or `database` null: for all of them. */
interface GivenRow {
  readonly database: string | null;
  readonly role: string | null;
  readonly name: string;
  readonly value: string;
}

async function givenBounds(sql: Sql, url: string): Promise<readonly Finding[]> {
  const { login, domains } = await logins(sql);
  const rows = await givenTo(sql, [login, ...domains]);
  const risky = new Set([login, ...domains].flatMap((role) => effective(rows, role)).filter(isRisky));
  const found = [...risky].map((row) => toFinding(row, placeOf(row), resetOf(row)));
  try {
    const plain = await plainSettings(url);
    const made = new Set(rows.filter(({ role }) => role === null || role === login).map(({ name }) => name));
    const ofServer = plain.filter((row) => !made.has(row.name) && isRisky(row));
    return [...found, ...ofServer.map((row) => toFinding(row, "set for the server", serverReset(row.name)))];
  } catch (error) {
    // Too short even for this question; where that comes from a database or a role, it is in the list.
    if (found.length > 0) return found;
    const detail = `a session that sets no bounds of its own cannot read them: ${error instanceof Error ? error.message : error}`;
    return [
      fault("warn", "timeouts", detail, `Look at ${Object.keys(BOUNDS).join(", ")} in the server's configuration.`),
    ];
  }
}

/** The engine's login, and those of its domains once there are any. */
async function logins(sql: Sql): Promise<{ readonly login: string; readonly domains: readonly string[] }> {
  const [row] = await sql<{ login: string; present: boolean }[]>`
    select session_user::text as login, to_regclass('timeline.domain_login') is not null as present
  `;
  const made =
    row?.present === true ? await sql<{ role_name: string }[]>`select role_name from timeline.domain_login` : [];
  return { login: row?.login ?? "", domains: made.map(({ role_name }) => role_name) };
}

async function givenTo(sql: Sql, roles: readonly string[]): Promise<readonly GivenRow[]> {
  return sql<GivenRow[]>`
    select d.datname::text as database, r.rolname::text as role, split_part(c.setting, '=', 1) as name,
      substr(c.setting, strpos(c.setting, '=') + 1) as value
    from pg_db_role_setting s
    left join pg_database d on d.oid = s.setdatabase
    left join pg_roles r on r.oid = s.setrole
    cross join lateral unnest(s.setconfig) as c (setting)
    where (s.setdatabase = 0 or d.datname = current_database())
      and (s.setrole = 0 or r.rolname = any (${sql.array([...roles])}::text[]))
    order by 3, 2 nulls first, 1 nulls first
  `;
}

/** What of it holds for a role. The narrower wins: a role in a database, a role, a database, all. */
function effective(rows: readonly GivenRow[], role: string): readonly GivenRow[] {
  const best = new Map<string, GivenRow>();
  const rank = (row: GivenRow) => (row.role === null ? 0 : 2) + (row.database === null ? 0 : 1);
  for (const row of rows) {
    const before = best.get(row.name);
    if ((row.role === null || row.role === role) && (before === undefined || rank(row) > rank(before)))
      best.set(row.name, row);
  }
  return [...best.values()];
}

interface Setting {
  readonly name: string;
  readonly value: string;
}

/** What a session is given that asks for nothing. One statement, and short: it may be the bound itself that ends it. */
async function plainSettings(url: string): Promise<readonly Setting[]> {
  const sql = connectPlain(url, "doctor plain");
  try {
    const names = [...Object.keys(BOUNDS), DURABLE];
    const columns = names.map((name) => `current_setting('${name}', true) as ${name}`).join(", ");
    const [row = {}] = await sql.unsafe<Record<string, string | null>[]>(`select ${columns}`);
    return names.map((name) => ({ name, value: row[name] ?? "0" }));
  } finally {
    await sql.end({ timeout: 5 });
  }
}

function isRisky({ name, value }: Setting): boolean {
  if (name === DURABLE) return value === "off";
  const ms = msOf(value);
  return ms > 0 && ms < (BOUNDS[name]?.risky ?? 0);
}

function toFinding({ name, value }: Setting, place: string, fix: string): Finding {
  const effect = BOUNDS[name]?.effect ?? "a crash loses what was answered";
  return fault("warn", "timeouts", `${name} is ${withUnit(name, value)} (${place}): ${effect}. ${MET}`, fix);
}

function placeOf({ database, role }: GivenRow): string {
  const inDatabase = database === null ? "" : ` in database ${database}`;
  if (role !== null) return `set for role ${role}${inDatabase}`;
  return database === null ? "set for all roles" : `set for database ${database}`;
}

function resetOf({ database, role, name }: GivenRow): string {
  if (role === null && database !== null) return `alter database ${quoted(database)} reset ${name};`;
  const inDatabase = database === null ? "" : ` in database ${quoted(database)}`;
  return `alter role ${role === null ? "all" : quoted(role)}${inDatabase} reset ${name};`;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function serverReset(name: string): string {
  return `alter system set ${name} = ${name === DURABLE ? "on" : "0"}; select pg_reload_conf();`;
}

const UNITS: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A time as PostgreSQL takes and shows it; without a unit, milliseconds. */
function msOf(value: string): number {
  const [, number, unit = "ms"] = /^\s*([\d.]+)\s*([a-z]*)\s*$/.exec(value) ?? [];
  return Number(number ?? 0) * (UNITS[unit === "" ? "ms" : unit] ?? 0);
}

function withUnit(name: string, value: string): string {
  return name !== DURABLE && /^\d+$/.test(value) ? `${value}ms` : value;
}
