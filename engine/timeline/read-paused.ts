import type { Sql } from "./database.ts";
import { commandOf } from "./error-groups.ts";

/** A consumer group that is paused. */
export interface PausedRow {
  readonly consumer_group: string;
  readonly reason: string | null;
  /** When and by whom; null: no person paused it, it is held until `ekiden recover` has been run. */
  readonly at: Date | null;
  readonly actor: string | null;
}

/** The groups that are paused now, each with its newest pause. */
export function readPaused(sql: Sql): Promise<readonly PausedRow[]> {
  return sql<PausedRow[]>`
    select g.consumer_group, g.paused_reason as reason, a.at, a.actor
    from timeline.consumer_group g
    left join lateral (
      select q.at, q.actor from timeline.audit q
      where q.action = 'group.pause' and q.target = g.consumer_group and q.reason = g.paused_reason
      order by q.at desc limit 1
    ) a on true
    where g.paused
    order by g.consumer_group
  `;
}

/** Sagas whose step, which is out or is being undone, is for one of these domains. */
export function readOutFor(
  sql: Sql,
  steps: readonly { readonly sagaId: string; readonly step: string }[],
  domains: readonly string[],
): Promise<readonly { readonly saga_id: string; readonly domain: string }[]> {
  return sql<{ saga_id: string; domain: string }[]>`
    select w.saga_id, split_part(r.topic, '.', 1) as domain
    from unnest(${sql.array(steps.map(({ sagaId }) => sagaId))}::text[], ${sql.array(steps.map(({ step }) => step))}::text[])
      as w (saga_id, step)
    cross join lateral (${commandOf(sql, sql`w.saga_id`, sql`w.step`)}) r
    where split_part(r.topic, '.', 1) = any (${sql.array([...domains])}::text[])
  `;
}
