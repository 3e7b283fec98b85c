import type { Sql } from "./database.ts";

/** How long heartbeats are kept. */
const KEPT = "15 minutes";
/** A row of the outbox that is older has been read, or never will be. */
const SENT_KEPT = "2 minutes";

/** Where one heartbeat was when. Of four clocks only the first and the last are the same. */
export interface Trip {
  readonly messageId: string;
  readonly writtenAt: Date;
  /** Record time in the transport. */
  readonly recordedAt: Date;
  /** When the consumer got it. */
  readonly receivedAt: Date;
  /** When that was written down. */
  readonly returnedAt: Date;
}

/** What is known of the way of a message. Ages by the database's clock. */
export interface Heartbeats {
  /** The newest that came back; null: none has yet. */
  readonly last: Trip | null;
  /** Since the last that came back was written, ms. */
  readonly ageMs: number | null;
  /** For how long the oldest that was sent after it has been on its way, ms; null: none is. */
  readonly outMs: number | null;
}

/** Sends a heartbeat through the outbox, and forgets old ones; the newest that came back stays. In one statement. */
export async function sendHeartbeat(sql: Sql, id: string, topic: string, producer: string): Promise<void> {
  await sql`
    with forgotten as (
      delete from timeline.heartbeat_trip where written_at < clock_timestamp() - ${KEPT}::interval
        and beat_id <> (select coalesce(max(t.beat_id), '') from timeline.heartbeat_trip t where t.returned_at is not null)
    ), pruned as (
      delete from timeline.event_republish
      where topic = '__heartbeat' and republished_at < clock_timestamp() - ${SENT_KEPT}::interval
    ), sent as (
      insert into timeline.heartbeat_trip (beat_id, producer) values (${id}, ${producer}) returning beat_id, written_at
    )
    insert into timeline.event_republish (republish_id, message_id, correlation_id, topic, message_key, message_type,
      message_body, producer, requested_at)
    select s.beat_id, s.beat_id, s.beat_id, ${topic}, s.beat_id, 'heartbeat', '{}', ${producer}, s.written_at from sent s
  `;
}

/** A heartbeat came out at the far end. The first arrival counts; what lies before it in the embedded log is not needed. */
export async function heartbeatArrived(
  sql: Sql,
  arrival: Pick<Trip, "messageId" | "recordedAt" | "receivedAt"> & { readonly topic: string; readonly offset: number },
): Promise<void> {
  await sql`
    with pruned as (
      delete from timeline.topic_log where topic = ${arrival.topic} and "offset" < ${arrival.offset}
    )
    update timeline.heartbeat_trip set recorded_at = ${arrival.recordedAt}, received_at = ${arrival.receivedAt},
      returned_at = clock_timestamp()
    where beat_id = ${arrival.messageId} and returned_at is null
  `;
}

interface HeartbeatsRow {
  readonly id: string | null;
  readonly written_at: Date;
  readonly recorded_at: Date;
  readonly received_at: Date;
  readonly returned_at: Date;
  readonly age_ms: number | null;
  readonly out_ms: number | null;
}

/** Where the heartbeats stand. */
export async function readHeartbeats(sql: Sql): Promise<Heartbeats> {
  const [row] = await sql<HeartbeatsRow[]>`
    select l.beat_id as id, l.written_at, l.recorded_at, l.received_at, l.returned_at,
      (extract(epoch from clock_timestamp() - l.written_at) * 1000)::float8 as age_ms,
      (select (extract(epoch from clock_timestamp() - min(o.written_at)) * 1000)::float8 from timeline.heartbeat_trip o
        where o.returned_at is null and (l.beat_id is null or o.beat_id > l.beat_id)) as out_ms
    from (select 1) one left join lateral (
      select t.* from timeline.heartbeat_trip t where t.returned_at is not null order by t.beat_id desc limit 1
    ) l on true
  `;
  if (row === undefined || row.id === null) return { last: null, ageMs: null, outMs: row?.out_ms ?? null };
  const {
    id: messageId,
    written_at: writtenAt,
    recorded_at: recordedAt,
    received_at: receivedAt,
    returned_at: returnedAt,
  } = row;
  return { last: { messageId, writtenAt, recordedAt, receivedAt, returnedAt }, ageMs: row.age_ms, outMs: row.out_ms };
}
