import type { Sql } from "../../timeline/database.ts";
import { type Holder, holdersText, wayOut } from "../../timeline/lock-holders.ts";
import { fault, type Finding, fine } from "./finding.ts";

/** Transactions of an engine wait for each other all the time, and for a migration or a `vacuum full` for a moment. */
const LONG_S = 5;
/** So long a statement of the engine's waits for a lock; then it is cancelled and comes again. */
const TOO_LONG_S = 30;

interface LockRow extends Holder {
  readonly waiting: number;
  readonly longest: number;
}

/**
 * Somebody who is no engine and holds what the engine's sessions wait for, like `lock table` in a psql that was left open.
 * Locks are seen by every login; of what others do it may see no more than their names.
 */
export async function lockChecks(sql: Sql, longSeconds = LONG_S): Promise<readonly Finding[]> {
  const [row] = await sql<LockRow[]>`
    with waiting as (
      select l.pid, extract(epoch from clock_timestamp() - min(l.waitstart))::float8 as seconds
      from pg_locks l join pg_stat_activity a on a.pid = l.pid
      where not l.granted and l.waitstart is not null and a.datname = current_database() and a.application_name like 'ekiden %'
      group by l.pid
    )
    select nullif(b.pid, 0) as pid, coalesce(nullif(h.application_name, ''), h.backend_type, h.usename, '?') as who, h.state,
      extract(epoch from clock_timestamp() - h.xact_start)::float8 as seconds,
      count(*)::integer as waiting, max(w.seconds) as longest
    from waiting w cross join lateral unnest(pg_blocking_pids(w.pid)) as b (pid)
    left join pg_stat_activity h on h.pid = b.pid
    where coalesce(h.application_name, '') not like 'ekiden %'
    group by b.pid, h.application_name, h.backend_type, h.usename, h.state, h.xact_start
    order by longest desc limit 1
  `;
  if (row === undefined || row.longest < longSeconds)
    return [fine("locks", "no session of the engine waits for somebody else")];
  const { waiting, longest } = row;
  const sessions = waiting === 1 ? "1 session of the engine waits" : `${waiting} sessions of the engine wait`;
  const detail = `${sessions} for a lock, the first for ${Math.round(longest)} s: ${holdersText([row])} is in the way`;
  return [fault(longest > TOO_LONG_S ? "red" : "warn", "locks", detail, wayOut([row]))];
}
