import { join } from "node:path";
import type postgres from "postgres";

/** A folder of two domains, `north` and `south`, and the saga `relay` that runs through both. */
export const RELAY = join(import.meta.dir, "relay");

/** What sagas of `relay` left behind, counted by SQL. */
export interface RelayCount {
  /** Saga rows by status. */
  readonly sagas: Readonly<Record<string, number>>;
  /** First requests: one for each accepted start. */
  readonly started: number;
  /** Rows of each action's effect. */
  readonly effects: Readonly<Record<string, number>>;
  readonly undone: Readonly<Record<string, number>>;
  /** Steps with more than one effect or compensation; sagas whose end was projected more than once. */
  readonly doubled: number;
  /** Steps of failed sagas whose effect and compensation do not match, and compensated steps of completed ones. */
  readonly unmatched: number;
  readonly errors: number;
}

/** Counts effects and compensations of all sagas. */
export async function countRelay(sql: postgres.Sql): Promise<RelayCount> {
  const tally = (rows: readonly { name: string; count: number }[]) =>
    Object.fromEntries(rows.map(({ name, count }) => [name, count]));
  const sagas = await sql<{ name: string; count: number }[]>`
    select status as name, count(*)::integer as count from timeline.saga group by status order by status
  `;
  const effects = await sql<{ name: string; count: number }[]>`
    select action as name, count(*)::integer as count
    from (select action from north.effect union all select action from south.effect) e group by action order by action
  `;
  const undone = await sql<{ name: string; count: number }[]>`
    select split_part(step_key, '/', 2) as name, count(*)::integer as count
    from (select step_key from north.undone union all select step_key from south.undone) u group by 1 order by 1
  `;
  const [row] = await sql<{ started: number; doubled: number; unmatched: number; errors: number }[]>`
    with effect as (
      select saga_id, step_key, count(*) as times
      from (select saga_id, step_key from north.effect union all select saga_id, step_key from south.effect) e group by 1, 2
    ), undone as (
      select saga_id, step_key, count(*) as times
      from (select saga_id, step_key from north.undone union all select saga_id, step_key from south.undone) u group by 1, 2
    )
    select
      (select count(*)::integer from timeline.event_request where message_type = 'saga.started') as started,
      (select count(*)::integer from (select times from effect union all select times from undone) t where times > 1) as doubled,
      (select count(*)::integer from effect e full join undone u using (saga_id, step_key)
        join timeline.saga s on s.id = saga_id
        where e.step_key is distinct from 'saga.completed' and e.step_key is distinct from 'saga.failed'
          and (u.step_key is not null) <> (s.status = 'failed') or e.step_key is null) as unmatched,
      (select count(*)::integer from timeline.event_consumption where error_flag) as errors
  `;
  return {
    ...(row as { started: number; doubled: number; unmatched: number; errors: number }),
    sagas: tally(sagas),
    effects: tally(effects),
    undone: tally(undone),
  };
}

/** What must be there when `completed` sagas went through and `failed` ones were refused by their third leg. */
export function relayCount(completed: number, failed: number): RelayCount {
  const all = completed + failed;
  return {
    sagas: { completed, failed },
    started: all,
    effects: { begin: all, end: all, finish: completed, pass: all },
    undone: { first: failed, second: failed },
    doubled: 0,
    unmatched: 0,
    errors: 0,
  };
}
