import type { Sql } from "./database.ts";

/** Sagas whose steps failed for the same reason. */
export interface ErrorGroupRow {
  /** Hash of definition, step, consumer group, code and message, the parts of it that differ from saga to saga left out. */
  readonly id: string;
  readonly definition: string;
  /** Path of the step, without the numbers of items. */
  readonly step: string | null;
  /** Who ran it, or should have; null: it sends no message. */
  readonly consumer_group: string | null;
  readonly code: string;
  readonly sagas: number;
  readonly first_at: Date;
  readonly last_at: Date;
  readonly newest_saga_id: string;
  /** What the newest of them said, whole: of a part it could not be told what in it is sensitive. */
  readonly said: string;
  /** Whether their messages differ in what `WHAT_DIFFERS` finds. */
  readonly differ: boolean;
}

/** A part of a query. */
export type Fragment = ReturnType<Sql>;

/**
 * What differs between messages of sagas that failed alike: ids, numbers and quoted words. PostgreSQL and JavaScript read
 * it alike.
 */
export const WHAT_DIFFERS = `[0-7][0-9A-HJKMNP-TV-Z]{25}|"[^"]*"|'[^']*'|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9]+`;

/** Groups of failed steps, the largest first. `failed`: as `withGroup` takes it. */
export function listErrorGroups(sql: Sql, failed: Fragment): Promise<readonly ErrorGroupRow[]> {
  return sql<ErrorGroupRow[]>`
    select g.group_id as id, g.definition, g.step_group as step, g.consumer_group, g.code,
      count(distinct g.saga_id)::integer as sagas, min(g.first_at) as first_at, max(g.last_at) as last_at,
      max(g.saga_id) as newest_saga_id, (array_agg(g.said order by g.saga_id desc))[1] as said,
      min(g.said) is distinct from max(g.said) as differ
    from (${withGroup(sql, failed)}) g
    group by g.group_id, g.definition, g.step_group, g.consumer_group, g.code
    order by count(distinct g.saga_id) desc, g.group_id
    limit 200
  `;
}

/**
 * Failed steps with their group. `failed` selects saga_id, definition, revision, step, code, message, first_at, last_at.
 *
 * Which consumer group runs a step is told by its messages. A step of a revision names one handler, so that of sagas that
 * failed alike on one revision the newest speaks for all: the messages of each would be read for nothing.
 */
export function withGroup(sql: Sql, failed: Fragment): Fragment {
  return sql`
    with failed as materialized (
      select q.*, md5(concat_ws(chr(1), q.definition, q.revision, coalesce(q.step_group, ''), q.code, q.alike)) as kind
      from (
        select f.saga_id, f.definition, f.revision, f.step, f.code, f.first_at, f.last_at,
          regexp_replace(f.step, '\\[[0-9]+\\]', '[]', 'g') as step_group, f.message as said,
          regexp_replace(left(f.message, 500), ${WHAT_DIFFERS}::text, '#', 'g') as alike
        from (${failed}) f
      ) q
    ), ran as materialized (
      select n.kind, coalesce(c.consumer_group, split_part(r.topic, '.', 1)) as consumer_group
      from (select distinct on (f.kind) f.kind, f.saga_id, f.step from failed f order by f.kind, f.saga_id desc) n
      left join lateral (${commandOf(sql, sql`n.saga_id`, sql`n.step`)}) r on true
      left join lateral (${failedOn(sql, sql`r.message_id`)}) c on true
    )
    select f.saga_id, f.definition, f.step, f.step_group, f.code, f.said, f.first_at, f.last_at, r.consumer_group,
      md5(concat_ws(chr(1), f.definition, coalesce(f.step_group, ''), coalesce(r.consumer_group, ''), f.code, f.alike))
        as group_id
    from failed f join ran r on r.kind = f.kind
  `;
}

/** The newest command or compensation of a step. */
export function commandOf(sql: Sql, sagaId: Fragment, step: Fragment): Fragment {
  return sql`
    select q.message_id, q.action, q.topic from timeline.event_request q
    where q.correlation_id = ${sagaId} and q.step_key = ${sagaId} || '/' || ${step}
      and q.message_type in ('step.requested', 'compensation.requested')
    order by q.message_id desc limit 1
  `;
}

/** The first of the groups that have a message in error. */
export function failedOn(sql: Sql, messageId: Fragment): Fragment {
  return sql`
    select min(c.consumer_group) as consumer_group from timeline.event_consumption c
    where c.message_id = ${messageId} and c.error_flag
  `;
}

/** Of the definitions that a caller may see; undefined: of all. */
export function amongDefinitions(sql: Sql, column: Fragment, definitions: readonly string[] | undefined): Fragment {
  return definitions === undefined ? sql`` : sql`and ${column} = any (${[...definitions]})`;
}
