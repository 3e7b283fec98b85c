import type { Sql } from "./database.ts";
import {
  amongDefinitions,
  commandOf,
  type ErrorGroupRow,
  failedOn,
  type Fragment,
  listErrorGroups,
  withGroup,
} from "./error-groups.ts";

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

/** Groups of parked sagas, the largest first. */
export function listParkedGroups(
  sql: Sql,
  definitions: readonly string[] | undefined,
): Promise<readonly ErrorGroupRow[]> {
  return listErrorGroups(sql, parked(sql, definitions));
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
      select p.saga_id, p.step, p.last_at from (${withGroup(sql, parked(sql, definitions))}) p
      where p.group_id = ${groupId} ${before === undefined ? sql`` : sql`and p.saga_id < ${before}`}
      order by p.saga_id desc limit ${limit}
    )
    select p.saga_id, p.step, p.last_at as parked_at, r.message_id, r.action, r.topic,
      f.consumer_group is not null as in_error, f.consumer_group
    from parked p
    left join lateral (${commandOf(sql, sql`p.saga_id`, sql`p.step`)}) r on true
    left join lateral (${failedOn(sql, sql`r.message_id`)}) f on true
    order by p.saga_id desc
  `;
}

function parked(sql: Sql, definitions: readonly string[] | undefined): Fragment {
  return sql`
    select s.id as saga_id, s.definition, s.revision, s.error->>'step' as step, coalesce(s.error->>'code', '') as code,
      coalesce(s.error->>'message', '') as message, s.updated_at as first_at, s.updated_at as last_at
    from (
      select o.saga_id from timeline.saga_open o where o.status = 'parked' order by o.saga_id desc limit ${PARKED_MAX}
    ) o
    -- Row by row: for as many ids the planner would rather read the whole table.
    cross join lateral (
      select q.id, q.definition, q.revision, q.updated_at, q.error from timeline.saga q where q.id = o.saga_id offset 0
    ) s
    where true ${amongDefinitions(sql, sql`s.definition`, definitions)}
  `;
}
