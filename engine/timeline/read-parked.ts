import type { Sql } from "./database.ts";

/** Parked sagas that stopped for the same reason. */
export interface ParkedGroupRow {
  /** Hash of definition, step, code and message, the parts of it that differ from saga to saga left out. */
  readonly id: string;
  readonly definition: string;
  /** Path of the step, without the numbers of items. */
  readonly step: string | null;
  readonly code: string;
  readonly sagas: number;
  readonly first_at: Date;
  readonly last_at: Date;
  readonly newest_saga_id: string;
  /** Whether their messages differ in what `WHAT_DIFFERS` finds. */
  readonly differ: boolean;
}

/** A parked saga of a group, and the message that it is parked at. */
export interface ParkedRow {
  readonly saga_id: string;
  readonly step: string | null;
  readonly parked_at: Date;
  /** The newest command or compensation of the step; null: it has none. */
  readonly message_id: string | null;
  readonly action: string | null;
  readonly topic: string | null;
  /** Whether a group has that message in error. */
  readonly in_error: boolean;
  /** The first of those groups. */
  readonly consumer_group: string | null;
}

/** Of more than so many parked sagas the newest are looked at. */
const PARKED_MAX = 5_000;

/**
 * What differs between messages of sagas that failed alike: ids, numbers and quoted words. PostgreSQL and JavaScript read
 * it alike.
 */
export const WHAT_DIFFERS = `[0-7][0-9A-HJKMNP-TV-Z]{25}|"[^"]*"|'[^']*'|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9]+`;

/** Groups of parked sagas, the largest first. */
export function listParkedGroups(
  sql: Sql,
  definitions: readonly string[] | undefined,
): Promise<readonly ParkedGroupRow[]> {
  return sql<ParkedGroupRow[]>`
    with parked as (${parked(sql, definitions)})
    select p.group_id as id, p.definition, p.step_group as step, p.code, count(*)::integer as sagas,
      min(p.updated_at) as first_at, max(p.updated_at) as last_at, max(p.id) as newest_saga_id,
      min(p.said) is distinct from max(p.said) as differ
    from parked p
    group by p.group_id, p.definition, p.step_group, p.code
    order by count(*) desc, p.group_id
    limit 200
  `;
}

/** Sagas of one group, newest first. */
export function listParked(
  sql: Sql,
  groupId: string,
  definitions: readonly string[] | undefined,
  before: string | undefined,
  limit: number,
): Promise<readonly ParkedRow[]> {
  return sql<ParkedRow[]>`
    with parked as materialized (
      select p.id, p.step, p.updated_at from (${parked(sql, definitions)}) p
      where p.group_id = ${groupId} ${before === undefined ? sql`` : sql`and p.id < ${before}`}
      order by p.id desc limit ${limit}
    )
    select p.id as saga_id, p.step, p.updated_at as parked_at, r.message_id, r.action, r.topic,
      f.consumer_group is not null as in_error, f.consumer_group
    from parked p
    left join lateral (
      select q.message_id, q.action, q.topic from timeline.event_request q
      where q.correlation_id = p.id and q.step_key = p.id || '/' || p.step
        and q.message_type in ('step.requested', 'compensation.requested')
      order by q.message_id desc limit 1
    ) r on true
    left join lateral (
      select min(c.consumer_group) as consumer_group from timeline.event_consumption c
      where c.message_id = r.message_id and c.error_flag
    ) f on true
    order by p.id desc
  `;
}

/**
 * Parked sagas with their group. A step of a definition is run by one consumer group, so that its name would part none of
 * them, and to look it up would read the messages of all.
 */
function parked(sql: Sql, definitions: readonly string[] | undefined) {
  return sql`
    select q.id, q.definition, q.updated_at, q.step, q.step_group, q.code, q.said,
      md5(concat_ws(chr(1), q.definition, q.step_group, q.code, q.message)) as group_id
    from (
      select s.id, s.definition, s.updated_at, s.error->>'step' as step,
        regexp_replace(s.error->>'step', '\\[[0-9]+\\]', '[]', 'g') as step_group,
        coalesce(s.error->>'code', '') as code,
        left(coalesce(s.error->>'message', ''), 500) as said,
        regexp_replace(left(coalesce(s.error->>'message', ''), 500), ${WHAT_DIFFERS}::text, '#', 'g') as message
      from (
        select o.saga_id from timeline.saga_open o where o.status = 'parked' order by o.saga_id desc limit ${PARKED_MAX}
      ) o
      -- Row by row: for as many ids the planner would rather read the whole table.
      cross join lateral (
        select q.id, q.definition, q.updated_at, q.error from timeline.saga q where q.id = o.saga_id offset 0
      ) s
      ${definitions === undefined ? sql`` : sql`where s.definition = any (${[...definitions]})`}
    ) q
  `;
}
