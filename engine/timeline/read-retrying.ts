import type { Sql } from "./database.ts";
import { amongDefinitions, type ErrorGroupRow, type Fragment, listErrorGroups, withGroup } from "./error-groups.ts";

type Definitions = readonly string[] | undefined;

/** Of more than so many steps that wait for their next attempt, those of the newest sagas are looked at. */
const RETRYING_MAX = 5_000;

/** Groups of sagas that wait for the next attempt of a step, the largest first. */
export function listRetryingGroups(sql: Sql, definitions: Definitions): Promise<readonly ErrorGroupRow[]> {
  return listErrorGroups(sql, retrying(sql, definitions));
}

/** Ids of the sagas of one group. */
export function retryingIn(sql: Sql, groupId: string): Fragment {
  return sql`select g.saga_id from (${withGroup(sql, retrying(sql, undefined))}) g where g.group_id = ${groupId}`;
}

/** Why they do: a step's row knows, of a compensation its last answer. */
function retrying(sql: Sql, definitions: Definitions): Fragment {
  return sql`
    select s.id as saga_id, s.definition, s.revision, t.step, coalesce(e.error->>'code', '') as code,
      coalesce(e.error->>'message', '') as message, coalesce(e.since, s.updated_at) as first_at, s.updated_at as last_at
    from (
      select t.saga_id, substr(t.name, length('retry:') + 1) as step
      from timeline.timer t join timeline.saga_open o on o.saga_id = t.saga_id
      where t.name like 'retry:%' order by t.saga_id desc limit ${RETRYING_MAX}
    ) t
    cross join lateral (
      select q.id, q.definition, q.revision, q.updated_at from timeline.saga q where q.id = t.saga_id offset 0
    ) s
    left join lateral (
      select p.status, p.error, p.started_at from timeline.saga_step p
      where p.saga_id = t.saga_id and p.path = t.step offset 0
    ) p on true
    left join lateral (
      select q.message_body, q.requested_at from timeline.event_request q
      where p.status = 'compensating' and q.correlation_id = t.saga_id and q.step_key = t.saga_id || '/' || t.step
        and q.message_type = 'compensation.failed'
      order by q.message_id desc limit 1
    ) a on true
    cross join lateral (
      select case p.status when 'compensating' then a.message_body else p.error end as error,
        case p.status when 'compensating' then a.requested_at else p.started_at end as since
    ) e
    where true ${amongDefinitions(sql, sql`s.definition`, definitions)}
  `;
}
