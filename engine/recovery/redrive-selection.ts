import type { Sql, Tx } from "../timeline/database.ts";
import { stillWanted } from "../timeline/still-wanted.ts";

/** Which failed messages: all that is given must hold. */
export interface RedriveFilter {
  readonly group?: string | undefined;
  readonly errorCode?: string | undefined;
  readonly definition?: string | undefined;
  readonly topic?: string | undefined;
  readonly action?: string | undefined;
  /** ISO 8601; failed at or after it. */
  readonly failedAfter?: string | undefined;
  /** ISO 8601; failed before it. */
  readonly failedBefore?: string | undefined;
}

/** What is to be sent again: a filter, or messages by id. */
export type RedriveSelection = { readonly filter: RedriveFilter } | { readonly messageIds: readonly string[] };

/** One failed consumption that a redrive takes up. */
export interface Selected {
  readonly group: string;
  readonly messageId: string;
  readonly topic: string;
  readonly saga: string | null;
  readonly errorCode: string;
}

/** What a selection comes to. */
export interface Found {
  readonly total: number;
  /** Failed as well, but their step is settled or the saga has given it up: sent again, nothing would run. */
  readonly settled: number;
  readonly sample: readonly Selected[];
}

const SAMPLE = 10;

/** Counts a selection and shows its first messages; nothing is written. */
export async function countSelection(sql: Sql, selection: RedriveSelection): Promise<Found> {
  const [row] = await sql<{ total: number; settled: number }[]>`
    with failed as (${failed(sql, selection)})
    select (select count(*) from (${newest(sql)}) n) as total, count(*) filter (where not f.wanted) as settled from failed f
  `;
  const sample = await sql<Selected[]>`
    with failed as (${failed(sql, selection)})
    select n.consumer_group as "group", n.message_id as "messageId", n.topic, n.saga, n.error_code as "errorCode"
    from (${newest(sql)}) n
    order by n.message_id, n.consumer_group
    limit ${SAMPLE}
  `;
  return { total: row?.total ?? 0, settled: row?.settled ?? 0, sample: [...sample] };
}

/** Freezes a selection as the items of a batch, oldest message first. Returns how many there are. */
export async function freezeSelection(tx: Tx, batchId: string, selection: RedriveSelection): Promise<number> {
  const { count } = await tx`
    with failed as (${failed(tx, selection)})
    insert into timeline.redrive_item (batch_id, position, consumer_group, message_id)
    select ${batchId}, row_number() over (order by n.message_id, n.consumer_group), n.consumer_group, n.message_id
    from (${newest(tx)}) n
  `;
  return count;
}

/** Of several attempts of one step the newest: when it has run, the older ones have nothing left to do. */
function newest(sql: Sql | Tx) {
  return sql`
    select distinct on (f.consumer_group, f.work, f.message_type) f.*
    from failed f
    where f.wanted
    order by f.consumer_group, f.work, f.message_type, f.attempt desc nulls last, f.message_id desc
  `;
}

function failed(sql: Sql | Tx, selection: RedriveSelection) {
  return sql`
    select c.consumer_group, c.message_id, c.topic, c.error_code, r.saga, r.message_type, r.attempt,
      case when r.message_type in ('step.requested', 'compensation.requested') then coalesce(r.step_key, r.message_id)
        else r.message_id end as work,
      ${stillWanted(sql)} as wanted
    from timeline.event_consumption c
    cross join lateral (
      select q.* from timeline.event_request q where q.message_id = c.message_id offset 0
    ) r
    left join lateral (
      select q.state from timeline.step_guard q where q.step_key = r.step_key offset 0
    ) g on true
    where c.error_flag and ${conditions(sql, selection)}
  `;
}

function conditions(sql: Sql | Tx, selection: RedriveSelection) {
  if ("messageIds" in selection) return sql`c.message_id = any (${sql.array([...selection.messageIds])}::text[])`;
  const { group, errorCode, definition, topic, action, failedAfter, failedBefore } = selection.filter;
  return sql`true
    ${group === undefined ? sql`` : sql`and c.consumer_group = ${group}`}
    ${errorCode === undefined ? sql`` : sql`and c.error_code = ${errorCode}`}
    ${topic === undefined ? sql`` : sql`and c.topic = ${topic}`}
    ${definition === undefined ? sql`` : sql`and r.saga = ${definition}`}
    ${action === undefined ? sql`` : sql`and r.action = ${action}`}
    ${failedAfter === undefined ? sql`` : sql`and c.consumed_at >= ${failedAfter}::text::timestamptz`}
    ${failedBefore === undefined ? sql`` : sql`and c.consumed_at < ${failedBefore}::text::timestamptz`}
  `;
}
