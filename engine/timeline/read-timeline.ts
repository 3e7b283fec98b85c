import type { Sql } from "./database.ts";

import { readConsumptions, readFailures } from "./read-consumptions.ts";
import { type MessageHistory, type MessageRow, withHistory } from "./read-messages.ts";

/** A place in a saga's timeline: after, or with `before` in front of, the message of this time and id. */
export interface TimelinePlace {
  /** Microseconds since 1970, as text. */
  readonly at: string;
  readonly id: string;
}

/** A message with its place, to go on from there. */
export interface TimelineItem extends MessageHistory {
  readonly place: TimelinePlace;
}

type PlacedRow = MessageRow & { readonly placed_at: string };

/** What to read: from the start, after a place, from one, or before one; `newest`: backwards from the end. */
export type TimelineRange = {
  readonly after?: TimelinePlace;
  readonly from?: TimelinePlace;
  readonly before?: TimelinePlace;
  readonly newest?: true;
};

/** How much of it; `bodies` false: null stands for each. */
export interface TimelineExtent {
  readonly limit: number;
  readonly bodies: boolean;
}

/**
 * Messages of a saga in the order in which they were written, oldest first. `before` reads backwards from its place.
 * Ordered by the database's clock: ids come from the clocks of several processes.
 */
export async function readTimeline(
  sql: Sql,
  sagaId: string,
  range: TimelineRange,
  extent: TimelineExtent,
): Promise<readonly TimelineItem[]> {
  const rows = await readRows(sql, sagaId, range, extent);
  if (isBackward(range)) rows.reverse();
  const ids = rows.map((row) => row.message_id);
  const [consumptions, failures] = await Promise.all([readConsumptions(sql, ids), readFailures(sql, ids)]);
  return withHistory(rows, consumptions, failures).map((item, index) => ({
    ...item,
    place: { at: rows[index]?.placed_at ?? "0", id: item.message.message_id },
  }));
}

/** Where a message stands in its saga's timeline; undefined when it is none of this saga. */
export async function placeOf(sql: Sql, sagaId: string, messageId: string): Promise<TimelinePlace | undefined> {
  const [row] = await sql<{ placed_at: string }[]>`
    select ${placedAt(sql)} from timeline.event_request r
    where r.message_id = ${messageId} and r.correlation_id = ${sagaId}
  `;
  return row === undefined ? undefined : { at: row.placed_at, id: messageId };
}

/** Where the newest message about a step, or about one inside of it, stands; undefined when there is none. */
export async function placeOfStep(sql: Sql, sagaId: string, path: string): Promise<TimelinePlace | undefined> {
  const key = `${sagaId}/${path}`;
  const [row] = await sql<{ placed_at: string; message_id: string }[]>`
    select r.message_id, ${placedAt(sql)} from timeline.event_request r
    where r.correlation_id = ${sagaId}
      and (r.step_key = ${key} or starts_with(r.step_key, ${`${key}/`}) or starts_with(r.step_key, ${`${key}[`}))
    order by r.requested_at desc, r.message_id desc
    limit 1
  `;
  return row === undefined ? undefined : { at: row.placed_at, id: row.message_id };
}

function isBackward({ before, newest }: TimelineRange): boolean {
  return before !== undefined || newest === true;
}

async function readRows(
  sql: Sql,
  sagaId: string,
  range: TimelineRange,
  { limit, bodies }: TimelineExtent,
): Promise<PlacedRow[]> {
  const direction = isBackward(range) ? sql`desc` : sql`asc`;
  // Which they are by what orders them alone, then all of them: of a saga of 20,000 messages that takes half the time.
  const rows = await sql<PlacedRow[]>`
    with page as materialized (
      select r.message_id, r.requested_at
      from timeline.event_request r
      where r.correlation_id = ${sagaId}
        ${range.after === undefined ? sql`` : sql`and (r.requested_at, r.message_id) > ${row(sql, range.after)}`}
        ${range.from === undefined ? sql`` : sql`and (r.requested_at, r.message_id) >= ${row(sql, range.from)}`}
        ${range.before === undefined ? sql`` : sql`and (r.requested_at, r.message_id) < ${row(sql, range.before)}`}
      order by r.requested_at ${direction}, r.message_id ${direction}
      limit ${limit}
    )
    select r.message_id, r.correlation_id, r.causation_id, r.topic, r.message_key, r.message_type, r.saga, r.step_key,
      r.action, r.attempt, r.traceparent, r.message_headers, ${bodies ? sql`r.message_body` : sql`null::jsonb as message_body`}, r.producer,
      r.requested_at, ${placedAt(sql)}
    from page p
    join timeline.event_request r on r.message_id = p.message_id
    order by p.requested_at ${direction}, p.message_id ${direction}
  `;
  return [...rows];
}

/** A time in JavaScript has milliseconds only; two messages of one would change places across pages. */
function placedAt(sql: Sql) {
  return sql`(extract(epoch from r.requested_at) * 1000000)::bigint::text as placed_at`;
}

function row(sql: Sql, place: TimelinePlace) {
  return sql`(timestamptz 'epoch' + ${place.at}::text::bigint * interval '1 microsecond', ${place.id})`;
}
