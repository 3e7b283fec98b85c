import type { Sql } from "../timeline/database.ts";

/** Requests behind the auditor's place that are looked at; it is rarely further behind than what is 30 s old. */
const LOOKED_AT_MAX = 20_000;

/** What waits on one topic for the program that handles it. */
export interface ElsewhereLag {
  readonly topic: string;
  readonly messages: number;
  /** Age of the oldest, milliseconds. */
  readonly waitingMs: number;
}

/**
 * Requests on topics that another program reads, in a group of its own, and that it has not claimed under the domain's.
 * Offsets do not tell. What the auditor has looked at has a row when it is late; the rest lies behind its place.
 */
export async function elsewhereLag(
  sql: Sql,
  group: string,
  topics: readonly string[],
): Promise<readonly ElsewhereLag[]> {
  if (topics.length === 0) return [];
  const wanted = sql.array([...topics]);
  const rows = await sql<ElsewhereLag[]>`
    select w.topic, count(*)::integer as messages,
      (extract(epoch from clock_timestamp() - min(w.requested_at)) * 1000)::float8 as "waitingMs"
    from (
      select l.topic, l.message_id, r.requested_at
      from timeline.late_message l
      cross join lateral (
        select q.requested_at from timeline.event_request q where q.message_id = l.message_id offset 0
      ) r
      where l.consumer_group = ${group} and l.topic = any (${wanted}::text[])
      union
      select s.topic, s.message_id, s.requested_at
      from (
        select r.topic, r.message_id, r.requested_at from timeline.event_request r
        where (r.xid, r.message_id) > (select a.xid, a.message_id from timeline.auditor a where a.id = 1)
        order by r.xid, r.message_id
        limit ${LOOKED_AT_MAX}
      ) s
      where s.topic = any (${wanted}::text[])
    ) w
    where not exists (
      select from timeline.event_consumption c where c.consumer_group = ${group} and c.message_id = w.message_id)
    group by w.topic
  `;
  return [...rows];
}
