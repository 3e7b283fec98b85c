import type { Sql, Tx } from "../timeline/database.ts";
import { firstIdAt, newId } from "../timeline/ids.ts";
import { type ExpectedGroup, publishedExpectedGroups } from "./expected-groups.ts";

/** Requests looked at in one transaction; as many may be sent again in it. */
export const SCAN_MAX = 1_000;
const COUNTED_MAX = 1_000;
const DAY_MS = 86_400_000;

/** Which requests to send again. All that is given must hold. Times are ISO 8601, by when a request was written. */
export interface RepublishSelection {
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly sagaId?: string | undefined;
  readonly topic?: string | undefined;
  readonly messageIds?: readonly string[] | undefined;
  /** Only requests that a group which must consume them has not consumed. */
  readonly missingOnly?: boolean | undefined;
}

/** How far a scan has come: everything up to this request was looked at. */
export interface ScanCursor {
  readonly xid: string;
  readonly id: string;
}

/** A request that was looked at. */
export interface Scanned {
  readonly message_id: string;
  readonly xid: string;
  readonly topic: string;
  readonly requested_at: Date;
  readonly wanted: boolean;
}

/**
 * The next requests in the order in which their transactions wrote them, with whether they are selected. What is looked
 * at is bounded, not what is found: a selection that fits nothing in a long history takes many short statements.
 */
export async function scanRequests(
  tx: Tx,
  selection: RepublishSelection,
  cursor: ScanCursor,
  before: Date,
  expected: readonly ExpectedGroup[],
): Promise<readonly Scanned[]> {
  const { since = null, until = null, topic = null, sagaId = null, missingOnly = false } = selection;
  // Planned for these values each time: the plan for any would read the whole month for each piece of it.
  await tx`select set_config('plan_cache_mode', 'force_custom_plan', true)`;
  return tx<Scanned[]>`
    select s.message_id, s.xid::text as xid, s.topic, s.requested_at,
      (${since}::timestamptz is null or s.requested_at >= ${since}::timestamptz)
        and (${until}::timestamptz is null or s.requested_at < ${until}::timestamptz)
        and (${topic}::text is null or s.topic = ${topic}) and (${sagaId}::text is null or s.correlation_id = ${sagaId})
        and (not ${missingOnly}::boolean or ${isMissing(tx, expected)}) as wanted
    from (
      select r.message_id, r.xid, r.topic, r.requested_at, r.correlation_id, r.message_type
      from ${source(tx, selection, before)} r
      where (r.xid, r.message_id) > (${cursor.xid}::xid8, ${cursor.id}) and r.requested_at < ${before}
      order by r.xid, r.message_id
      limit ${SCAN_MAX}
    ) s
    order by s.xid, s.message_id
  `;
}

/** Whether the request `s` was not consumed by a group that must. */
function isMissing(sql: Sql | Tx, expected: readonly ExpectedGroup[]) {
  return sql`exists (
    select from jsonb_to_recordset(${sql.json(expected as never)}) as e (consumer_group text, topic text, types jsonb)
    where e.topic = s.topic and (jsonb_typeof(e.types) is distinct from 'array' or e.types ? s.message_type)
      and not exists (
        select from timeline.event_consumption c
        where c.consumer_group = e.consumer_group and c.message_id = s.message_id and c.consumed_at is not null)
  )`;
}

/**
 * How many requests of this time `missingOnly` would send again, counted up to 1,000. By their ids, which carry the time
 * of the process that made them, a minute more on both sides.
 */
export async function countMissing(sql: Sql, since: Date | null, until: Date): Promise<number> {
  const expected = await publishedExpectedGroups(sql);
  const [row] = await sql<{ missing: number }[]>`
    select count(*)::integer as missing from (
      select from timeline.event_request s
      where s.message_id >= timeline.ulid_time(coalesce(${since}::timestamptz - interval '1 minute', 'epoch')) || repeat('0', 16)
        and s.message_id < timeline.ulid_time(${until}::timestamptz + interval '1 minute') || repeat('0', 16)
        and s.requested_at >= coalesce(${since}::timestamptz, '-infinity') and s.requested_at < ${until}
        and ${isMissing(sql, expected)}
      limit ${COUNTED_MAX}
    ) m
  `;
  return row?.missing ?? 0;
}

/** Few by an index of their own, or the months in question in the order of their transactions. */
function source(tx: Tx, { sagaId, messageIds, since, until }: RepublishSelection, before: Date) {
  if (messageIds !== undefined) {
    const ids = tx.array([...messageIds]);
    return tx`(select q.* from timeline.event_request q where q.message_id = any (${ids}::text[]) offset 0)`;
  }
  if (sagaId !== undefined)
    return tx`(select q.* from timeline.event_request q where q.correlation_id = ${sagaId} offset 0)`;
  // Whole months, which are whole partitions: inside one, rows that are passed over must count as looked at. A day more
  // on both sides, since ids carry the time of the process that made them, and the rows that of the database.
  const first = since === undefined ? 0 : Date.parse(since) - DAY_MS;
  const last = Math.min(until === undefined ? Number.POSITIVE_INFINITY : Date.parse(until), before.getTime()) + DAY_MS;
  return tx`(
    select q.* from timeline.event_request q
    where q.message_id >= ${firstIdAt(monthOf(first, 0))} and q.message_id < ${firstIdAt(monthOf(last, 1))}
  )`;
}

/** When the month of a time began, or one that many months later. */
function monthOf(time: number, later: number): Date {
  const at = new Date(time);
  return new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + later));
}

/** Sends requests again, in this order: same id, key, headers and body, through the same path. Returns how many. */
export async function resend(tx: Tx, messageIds: readonly string[]): Promise<number> {
  if (messageIds.length === 0) return 0;
  const rows = messageIds.map((messageId) => ({ republish_id: newId(), message_id: messageId }));
  const sent = await tx`
    insert into timeline.event_republish (republish_id, message_id, correlation_id, causation_id, topic, message_key,
      message_type, saga, step_key, action, attempt, traceparent, message_headers, message_body, producer, requested_at)
    select w.republish_id, r.message_id, r.correlation_id, r.causation_id, r.topic, r.message_key, r.message_type, r.saga,
      r.step_key, r.action, r.attempt, r.traceparent, r.message_headers, r.message_body, r.producer, r.requested_at
    from jsonb_to_recordset(${tx.json(rows)}) as w (republish_id text, message_id text)
    cross join lateral (
      select q.* from timeline.event_request q where q.message_id = w.message_id offset 0
    ) r
    order by w.republish_id
    returning republish_id
  `;
  return sent.length;
}
