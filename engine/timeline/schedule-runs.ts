import type { Sql } from "./database.ts";

/** A planned time that waits to be started. `busy`: a saga that the schedule started before is still open. */
export interface WaitingRun {
  readonly planned_at: Date;
  readonly busy: boolean;
}

/** A planned time as people see it. */
export interface ScheduleRunRow {
  readonly planned_at: Date;
  readonly status: "waiting" | "started" | "skipped" | "refused";
  readonly saga_id: string | null;
  readonly reason: string | null;
}

/** The last planned times of a definition, newest first. */
export function lastRuns(sql: Sql, name: string, limit: number): Promise<readonly ScheduleRunRow[]> {
  return sql<ScheduleRunRow[]>`
    select planned_at, status, saga_id, reason from timeline.schedule_run
    where definition = ${name} order by planned_at desc limit ${limit}
  `;
}

/** What became of a planned time. */
export type RunOutcome =
  | { readonly status: "started"; readonly sagaId: string }
  | { readonly status: "skipped" | "refused"; readonly reason: string };

/**
 * By the database's clock: now, and since when planned times of a definition count. Null: it is not published. A clock that was
 * ahead and was put right has left times that are yet to come: they say nothing of those before them.
 */
export async function scheduleSince(
  sql: Sql,
  name: string,
): Promise<{ readonly now: Date; readonly since: Date } | null> {
  const [row] = await sql<{ now: Date; since: Date }[]>`
    select clock_timestamp() as now, greatest(d.scheduled_since, (
      select max(s.planned_at) from timeline.schedule_run s
      where s.definition = d.name and s.planned_at <= statement_timestamp())) as since
    from timeline.definition d
    where d.name = ${name}
  `;
  if (row === undefined || row.since <= row.now) return row ?? null;
  // Published while it was ahead: written down, or each look would count from itself.
  const [mended] = await sql<{ now: Date; since: Date }[]>`
    update timeline.definition set scheduled_since = least(scheduled_since, clock_timestamp()) where name = ${name}
    returning clock_timestamp() as now, scheduled_since as since
  `;
  return mended ?? null;
}

/** Records planned times that have come: the last is to be started, those before it were missed. */
export async function recordTimes(sql: Sql, name: string, times: readonly Date[]): Promise<void> {
  const last = times.length - 1;
  const rows = times.map((at, index) => ({
    at: at.toISOString(),
    status: index === last ? "waiting" : "skipped",
    reason: index === last ? null : "no engine ran at that time",
  }));
  await sql`
    insert into timeline.schedule_run (definition, planned_at, status, reason, decided_at)
    select ${name}, w.at, w.status, w.reason, case when w.status <> 'waiting' then clock_timestamp() end
    from jsonb_to_recordset(${sql.json(rows)}) as w (at timestamptz, status text, reason text)
    on conflict (definition, planned_at) do nothing
  `;
}

/** The oldest planned time of a definition that waits; undefined: none. */
export async function oldestWaiting(sql: Sql, name: string): Promise<WaitingRun | undefined> {
  const [row] = await sql<WaitingRun[]>`
    select w.planned_at, exists (
      select from timeline.schedule_run r join timeline.saga_open o on o.saga_id = r.saga_id
      where r.definition = ${name} and r.planned_at < w.planned_at and r.status = 'started') as busy
    from timeline.schedule_run w
    where w.definition = ${name} and w.status = 'waiting'
    order by w.planned_at limit 1
  `;
  return row;
}

/** Writes what became of a planned time. What was started stays started, whatever another process thought of it. */
export async function decideRun(sql: Sql, name: string, plannedAt: Date, outcome: RunOutcome): Promise<void> {
  const { status } = outcome;
  const sagaId = outcome.status === "started" ? outcome.sagaId : null;
  const reason = outcome.status === "started" ? null : outcome.reason;
  await sql`
    update timeline.schedule_run set status = ${status}, saga_id = ${sagaId}, reason = ${reason}, decided_at = clock_timestamp()
    where definition = ${name} and planned_at = ${plannedAt} and status <> 'started'
  `;
}
