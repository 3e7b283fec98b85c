import { errorCode, type Sql } from "./database.ts";
import type { Taken } from "./hold-tables.ts";

/** What is waited for: tables, or any table of these schemas where it is not known which, or a turn (an advisory lock). */
export interface Wanted {
  readonly tables?: readonly Taken[];
  readonly schemas?: readonly string[];
  readonly turn?: string;
}

/** A session, or a prepared transaction, that holds what is waited for. */
export interface Holder {
  /** None: a prepared transaction. */
  readonly pid: number | null;
  readonly who: string;
  readonly state: string | null;
  /** None where the login may not see sessions of others. */
  readonly seconds: number | null;
}

/** Deadlock, and a lock that was waited for too long: what others who go on meanwhile may do to a statement. */
const IN_THE_WAY = ["40P01", "55P03"];
/** Of a busy engine many are found. */
const HOLDERS_MAX = 3;
/** Whoever holds no more than this keeps nobody waiting who lets others read. */
const READS = ["AccessShareLock", "RowShareLock"];
const OF_AN_ENGINE = /^ekiden /;

export function isInTheWay(error: unknown): boolean {
  return IN_THE_WAY.includes(errorCode(error) ?? "");
}

/** Who holds it at this moment, the oldest first. Nobody also when it cannot be asked: what waits goes on all the same. */
export async function holdersOf(sql: Sql, wanted: Wanted): Promise<readonly Holder[]> {
  const tables = wanted.tables ?? [];
  const whole = tables.filter(({ readable }) => !readable).map(({ table }) => table);
  const readable = tables.filter((taken) => taken.readable).map(({ table }) => table);
  const asked = sql<Holder[]>`
    with recursive wanted (oid, whole) as (
      select c.oid, s.nspname || '.' || c.relname <> all (${readable})
      from pg_class c join pg_namespace s on s.oid = c.relnamespace
      where s.nspname || '.' || c.relname = any (${[...whole, ...readable]}) or s.nspname = any (${wanted.schemas ?? []})
      union
      select i.inhrelid, w.whole from wanted w join pg_inherits i on i.inhparent = w.oid
    ), held as (
      select distinct l.pid from pg_locks l left join wanted w on w.oid = l.relation
      where l.granted and l.pid is distinct from pg_backend_pid()
        and l.database = (select d.oid from pg_database d where d.datname = current_database())
        and (l.locktype = 'relation' and w.oid is not null and (w.whole or l.mode <> all (${READS}))
          or l.locktype = 'advisory' and l.objsubid = 1
            and (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended(${wanted.turn ?? null}::text, 3))
    )
    select h.pid, coalesce(nullif(a.application_name, ''), a.backend_type, a.usename, '?') as who, a.state,
      extract(epoch from clock_timestamp() - a.xact_start)::float8 as seconds
    from held h left join pg_stat_activity a on a.pid = h.pid
    order by a.xact_start, h.pid
    limit ${HOLDERS_MAX}
  `;
  return asked.catch(() => []);
}

/** `pid 4711 (psql, idle in transaction, its transaction is open for 312 s)`. */
export function holdersText(holders: readonly Holder[]): string {
  return holders.map(holderText).join(", ");
}

function holderText({ pid, who, state, seconds }: Holder): string {
  if (pid === null) return "a prepared transaction (pg_prepared_xacts names it)";
  const open = seconds === null ? [] : [`its transaction is open for ${Math.round(seconds)} s`];
  return `pid ${pid} (${[who, ...(state === null ? [] : [state]), ...open].join(", ")})`;
}

/** What a person may do about holders. */
export function wayOut(holders: readonly Holder[]): string {
  if (holders.length === 0) return "Look in pg_stat_activity for transactions that are open for long.";
  const ends = holders.map(({ pid }) =>
    pid === null ? "rollback prepared '…';" : `select pg_terminate_backend(${pid});`,
  );
  const engines = holders.some(({ who }) => OF_AN_ENGINE.test(who))
    ? " An engine (“ekiden …”) that loses a transaction does its work again."
    : "";
  return `Wait for the end of ${ends.length === 1 ? "that transaction" : "those transactions"}, or end ${ends.length === 1 ? "it" : "them"}: ${ends.join(" ")}${engines}`;
}
