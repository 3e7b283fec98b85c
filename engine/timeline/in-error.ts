import type { Sql, Tx } from "./database.ts";
import { stillWanted } from "./still-wanted.ts";

/** What a consumer group has in error. */
export interface InError {
  readonly group: string;
  /** Would run again, or is for a person to look into. */
  readonly open: number;
  /**
   * Failed attempts of steps that have ended since, by a later attempt or because the saga gave them up; and what is older
   * than the event store, which nothing can run any more.
   */
  readonly settled: number;
  /** When the oldest of the open ones began. */
  readonly since: Date | null;
}

/**
 * Of more than so many in a group the newest are looked at: attempts that a later one has mended stay in error, so that they
 * grow in number for as long as an installation lives.
 */
const LOOKED_AT_MAX = 5_000;

/** What is in error, by group. A message without a step, of whomever, is ended by nothing but its own success. */
export async function countInError(sql: Sql | Tx): Promise<readonly InError[]> {
  return await sql<InError[]>`
    select f.consumer_group as "group", count(*) filter (where f.wanted)::integer as open,
      count(*) filter (where not f.wanted)::integer as settled, min(f.started_at) filter (where f.wanted) as since
    from (
      select e.consumer_group, c.started_at,
        ${stillWanted(sql)} and (r.message_id is not null or c.message_id >= h.horizon) as wanted
      from (select distinct q.consumer_group from timeline.event_consumption q where q.error_flag) e
      cross join lateral (
        select q.message_id, q.started_at from timeline.event_consumption q
        where q.consumer_group = e.consumer_group and q.error_flag
        order by q.message_id desc limit ${LOOKED_AT_MAX}
      ) c
      left join lateral (
        select q.message_id, q.message_type, q.step_key from timeline.event_request q where q.message_id = c.message_id offset 0
      ) r on true
      left join lateral (
        select q.state from timeline.step_guard q where q.step_key = r.step_key offset 0
      ) g on true
      cross join timeline.retention h
    ) f
    group by f.consumer_group
    order by f.consumer_group
  `;
}
