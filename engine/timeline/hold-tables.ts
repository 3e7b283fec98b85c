import type { Tx } from "./database.ts";

/**
 * Where engines begin, in the order in which most of their transactions come to them: whoever takes tables in this order
 * meets few who hold a later one and wait for an earlier one. No order suits all: a participant with commands of its own
 * comes to its guards first and to the requests when its handler has ended, one with commands of others the other way round.
 */
const GATES = [
  "timeline.topic_log_position",
  "timeline.saga",
  "timeline.step_guard",
  "timeline.event_consumption",
  "timeline.event_request",
];
/** Not before a file names it: whoever holds it ends the lease of the embedded transport's owner. */
const LEASE = "timeline.topic_log_position";

/** Who comes to a table that is waited for waits too. */
const HARMLESS_MAX_MS = 750;

/** What a function's body names is touched when the function runs, not when it is made. */
const FUNCTION = /\bcreate\s+(?:or\s+replace\s+)?(?:function|procedure)\b[^$;]*?(\$\w*\$)[\s\S]*?\1/gi;
const COMMENT = /--.*$/gm;
const NAME = /\b\w+\s*\.\s*\w+\b/g;
/** Statements that nobody else may be at the table of. Those that change rows are none: rows are waited for, not tables. */
const ALTERS = /\b(?:alter|drop|truncate|trigger|references|lock|reindex|cluster)\b/i;
/** Who reads goes on beside it. */
const INDEXES = /\bcreate\s+(?:unique\s+)?index\b/i;

/** A table to take, and whether others may go on reading it. */
export interface Taken {
  readonly table: string;
  readonly readable: boolean;
}

interface TableRow {
  table_name: string;
  readable: boolean;
}

/**
 * The tables that a file alters, as far as it names them or an index of theirs, of those that exist; in the order in which
 * to take them. `everything`: besides, all of its schema and those where engines begin, for a file that alters more. Not
 * those of other owners: they may be referenced without a right to lock them.
 */
export async function tablesOf(tx: Tx, schema: string, source: string, everything: boolean): Promise<Taken[]> {
  const statements = source.replaceAll('"', "").replace(COMMENT, "").replace(FUNCTION, "").split(";");
  const altered = namesIn(statements.filter((text) => ALTERS.test(text)));
  const indexed = namesIn(statements.filter((text) => INDEXES.test(text)));
  if (altered.length + indexed.length === 0 && !everything) return [];
  const all = everything ? GATES.filter((gate) => gate !== LEASE) : [];
  const rows = await tx<TableRow[]>`
    select n.nspname || '.' || t.relname as table_name, bool_and(f.readable) as readable
    from (
      select r.oid, r.name <> all (${[...altered, ...all]}) and not (${everything} and r.schema = ${schema}) as readable
      from (
        select c.oid, c.relkind in ('r', 'p') and not c.relispartition as whole, s.nspname as schema,
          s.nspname || '.' || c.relname as name
        from pg_class c join pg_namespace s on s.oid = c.relnamespace
        where s.nspname in ('timeline', ${schema})
      ) r
      where r.name = any (${[...altered, ...indexed, ...all]})
        or ${everything} and r.schema = ${schema} and r.whole and r.name <> ${LEASE}
    ) f
    left join pg_index i on i.indexrelid = f.oid
    join pg_class t on t.oid = coalesce(i.indrelid, f.oid)
    join pg_namespace n on n.oid = t.relnamespace
    where t.relkind in ('r', 'p') and has_table_privilege(t.oid, 'truncate')
    group by 1
    order by 1
  `;
  const taken = rows.map(({ table_name, readable }) => ({ table: table_name, readable }));
  return taken.sort((one, other) => rank(one.table) - rank(other.table));
}

function namesIn(statements: readonly string[]): string[] {
  const names = statements.flatMap((text) => text.match(NAME) ?? []);
  return [...new Set(names.map((name) => name.replaceAll(/\s/g, "").toLowerCase()))];
}

function rank(table: string): number {
  const gate = GATES.indexOf(table);
  return gate === -1 ? GATES.length : gate;
}

/** Takes tables one after the other, all of them within a time. `at` hears which one is waited for. */
export async function takeTables(
  tx: Tx,
  tables: readonly Taken[],
  withinMs: number,
  at: (taken: Taken) => void,
): Promise<void> {
  const since = performance.now();
  for (const taken of tables) {
    const { table, readable } = taken;
    at(taken);
    await boundLocks(tx, withinMs - (performance.now() - since));
    await (readable ? tx`lock table ${tx(table)} in share mode` : tx`lock table ${tx(table)} in access exclusive mode`);
  }
}

/**
 * How long tables may be waited for without harm to anybody, milliseconds. Who waits for a table that we hold may hold the
 * one that we wait for. PostgreSQL looks for such a cycle when a wait has lasted `deadlock_timeout`, and ends the
 * transaction that finds it: that of an engine, unless we have let go before.
 */
export async function harmlessMs(tx: Tx): Promise<number> {
  const [row] = await tx<{ deadlock_ms: number }[]>`
    select setting::integer as deadlock_ms from pg_settings where name = 'deadlock_timeout'
  `;
  return Math.min(HARMLESS_MAX_MS, (row?.deadlock_ms ?? 0) * 0.75);
}

/** 0 would be no bound. */
export async function boundLocks(tx: Tx, waitMs: number): Promise<void> {
  await tx`select set_config('lock_timeout', ${String(Math.max(1, Math.floor(waitMs)))}, true)`;
}
