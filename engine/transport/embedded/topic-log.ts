import type { Sql } from "../../timeline/database.ts";
import { fromWire, type Wire } from "../../timeline/wire.ts";
import { type CommittedRequest, type Delivery, HEARTBEAT_TOPIC, NotPlaced, type PartitionOffsets } from "../port.ts";
import { type Lease, LeaseLost } from "./lease.ts";

/** Most rows read from the outbox or a topic at once. */
export const READ_MAX = 1_000;

/** About as many rows of the outbox are looked through at once. */
const LOOK_MAX = 10_000;

/** A row of the outbox that has no place yet. */
export interface Unplaced {
  readonly message_id: string;
  readonly republish_id: string | null;
  /** Transaction of the row that brings it. */
  readonly xid: string;
  /** A heartbeat, which stands in `event_republish` alone. */
  readonly beat: boolean;
}

/** What a look at the outbox found: rows, whether there are more, and the transaction up to which it looked. */
export interface Found {
  readonly rows: readonly Unplaced[];
  readonly more: boolean;
  readonly horizon: string;
  /** Nothing behind it can be read yet. */
  readonly last: boolean;
}

/** A row to place in a topic. */
export interface Placed {
  readonly request: CommittedRequest;
  readonly republishId: string | null;
  /** Transaction of the row that brings it: the request's own, or the republishing. */
  readonly xid: string;
}

/** A row of `timeline.topic_log`. */
interface Place {
  readonly topic: string;
  readonly offset: number;
  readonly message_id: string;
  readonly republish_id: string | null;
  readonly xid: string;
}

/**
 * The embedded transport's topics: `timeline.topic_log`. Offsets are dense per topic and are taken by one process, the
 * lease's owner. Written without waiting for the disk: the consumption that follows is a later commit in the same WAL,
 * so that no consumption can be durable whose place is not.
 */
export class TopicLog {
  readonly #sql: Sql;
  readonly #writer: Sql;
  readonly #lease: Lease;
  readonly #next = new Map<string, number>();
  #position = "0";

  constructor(sql: Sql, writer: Sql, lease: Lease) {
    this.#sql = sql;
    this.#writer = writer;
    this.#lease = lease;
  }

  /** Reads where topics end and up to which transaction the outbox was read. To be called by a new owner. */
  async load(): Promise<void> {
    const topics = await this.#sql<{ name: string }[]>`select name from timeline.topic`;
    const places = await this.offsets(
      null,
      topics.map(({ name }) => name),
    );
    this.#next.clear();
    for (const { topic, end } of places) this.#next.set(topic, end);
    const [row] = await this.#sql<
      { xid: string }[]
    >`select xid::text as xid from timeline.topic_log_position where id = 1`;
    this.#position = row?.xid ?? "0";
  }

  /**
   * Where topics begin and end, and where a group stands. The rows of dropped months are gone: a topic ends nowhere before
   * what was committed of it, or its next message would lie where a group has been, and reach nobody.
   */
  async offsets(group: string | null, topics: readonly string[]): Promise<readonly PartitionOffsets[]> {
    const rows = await this.#sql<PartitionOffsets[]>`
      select t.topic, 0 as partition, coalesce(l.first, e."end") as earliest, e."end",
        (select o."offset" from timeline.consumer_offset o
          where o.consumer_group = ${group} and o.topic = t.topic and o.partition = 0) as committed
      from unnest(${this.#sql.array([...topics])}::text[]) as t (topic)
      cross join lateral (
        select min(l."offset") as first, max(l."offset") as last from timeline.topic_log l where l.topic = t.topic
      ) l
      cross join lateral (
        select greatest(l.last + 1, max(o."offset"), 0) as "end" from timeline.consumer_offset o where o.topic = t.topic
      ) e
      order by t.topic
    `;
    return [...rows];
  }

  /** The first message of a topic that was requested then or later; without one the topic's end. */
  async offsetAt(topic: string, at: Date): Promise<number> {
    const [row] = await this.#sql<{ offset: number | null }[]>`
      select min(l."offset") as "offset" from timeline.topic_log l join timeline.event_request r on r.message_id = l.message_id
      where l.topic = ${topic} and r.requested_at >= ${at}
    `;
    return row?.offset ?? (await this.offsets(null, [topic]))[0]?.end ?? 0;
  }

  /** The next offset of a topic. */
  end(topic: string): number {
    return this.#next.get(topic) ?? 0;
  }

  /**
   * Gives rows their places and returns them as deliveries, at once. `written` resolves when the places stand in the
   * table, and rejects with LeaseLost when this process owns the transport no more; one call must have ended before the next.
   * `own`: they come from memory, with the commits of this process.
   */
  place(
    rows: readonly Placed[],
    own: boolean,
  ): { readonly deliveries: readonly Delivery[]; readonly written: Promise<void> } {
    const receivedAt = new Date();
    const next = new Map(this.#next);
    const places: Place[] = rows.map(({ request, republishId, xid }) => {
      const offset = next.get(request.topic) ?? 0;
      next.set(request.topic, offset + 1);
      return { topic: request.topic, offset, message_id: request.messageId, republish_id: republishId, xid };
    });
    const written = this.#write(places, next);
    const known = written.catch((error: unknown) => {
      throw new NotPlaced(error);
    });
    // Nobody waits for it when no consumer has taken one of them yet.
    known.catch(() => {});
    const deliveries = rows.map(({ request }, index) =>
      delivery(request, places[index]?.offset as number, receivedAt, { placed: known, ...(own ? { own } : {}) }),
    );
    return { deliveries, written };
  }

  async #write(places: readonly Place[], next: ReadonlyMap<string, number>): Promise<void> {
    const written = await this.#writer`
      with held as materialized (select timeline.holds_epoch(${this.#lease.epoch}) as is)
      insert into timeline.topic_log (topic, "offset", message_id, republish_id, xid)
      select w.topic, w."offset", w.message_id, w.republish_id, w.xid
      from jsonb_to_recordset(${this.#writer.json(places as never)}) as w (topic text, "offset" bigint, message_id text,
        republish_id text, xid xid8)
      where (select held.is from held)
    `;
    if (written.count !== places.length) throw new LeaseLost();
    for (const [topic, offset] of next) this.#next.set(topic, offset);
  }

  /**
   * Rows that this process did not hand over: other writers', and what a crash left. Read behind the xid horizon, so
   * that no transaction that is still open can add an earlier one (reliability R7).
   */
  async unread(): Promise<Found> {
    const [bound] = await this.#sql<
      { horizon: string }[]
    >`select pg_snapshot_xmin(pg_current_snapshot())::text as horizon`;
    const readable = (bound as { horizon: string }).horizon;
    if (readable === this.#position) return { rows: [], more: false, horizon: readable, last: true };
    const horizon = await this.#endOfLook(readable);
    const rows = await this.#sql<Unplaced[]>`
      select u.message_id, u.republish_id, u.xid::text as xid, u.beat
      from (
        select q.message_id, null as republish_id, q.xid, false as beat from timeline.event_request q
        where q.xid >= ${this.#position}::xid8 and q.xid < ${horizon}::xid8
        union all
        select p.message_id, p.republish_id, p.xid, p.topic = ${HEARTBEAT_TOPIC} as beat from timeline.event_republish p
        where p.xid >= ${this.#position}::xid8 and p.xid < ${horizon}::xid8
      ) u
      left join lateral (
        select l.message_id from timeline.topic_log l where l.message_id = u.message_id and l.xid = u.xid offset 0
      ) placed on true
      where placed.message_id is null
      order by u.xid, coalesce(u.republish_id, u.message_id)
      limit ${READ_MAX}
    `;
    return { rows, more: rows.length === READ_MAX, horizon, last: horizon === readable };
  }

  /**
   * What was committed behind a transaction of minutes can all be read at once when that ends. Most of it has its place;
   * to look through it takes time all the same, in which nothing is placed.
   */
  async #endOfLook(readable: string): Promise<string> {
    if (BigInt(readable) - BigInt(this.#position) <= LOOK_MAX) return readable;
    const [row] = await this.#sql<{ xid: string }[]>`
      select q.xid::text as xid from timeline.event_request q
      where q.xid >= ${this.#position}::xid8 and q.xid < ${readable}::xid8
      order by q.xid
      limit 1 offset ${LOOK_MAX}
    `;
    // Behind all rows of that transaction: there may be more of one than are looked through at once.
    return row === undefined ? readable : String(BigInt(row.xid) + 1n);
  }

  /** What was found, as requests, in the same order; heartbeats last. */
  async fetch(found: readonly Unplaced[]): Promise<readonly Placed[]> {
    const requests = found.filter(({ beat }) => !beat);
    const beats = found.filter(({ beat }) => beat).map(placedBeat);
    return requests.length === 0 ? beats : [...(await this.#fetchRequests(requests)), ...beats];
  }

  async #fetchRequests(found: readonly Unplaced[]): Promise<readonly Placed[]> {
    const ids = this.#sql.array(found.map(({ message_id }) => message_id));
    const rows = await this.#sql<{ wire: Wire; at: number }[]>`
      select timeline.wire(r) as wire, (i.ordinality - 1)::integer as at
      from unnest(${ids}::text[]) with ordinality i (message_id, ordinality)
      cross join lateral (
        select q.* from timeline.event_request q where q.message_id = i.message_id offset 0
      ) r
      order by i.ordinality
    `;
    return rows.map(({ wire, at }) => {
      const { republish_id, xid } = found[at] as Unplaced;
      return { request: fromWire(wire), republishId: republish_id, xid };
    });
  }

  /** A transaction id that no transaction had yet when this was asked. */
  async newestTransaction(): Promise<string> {
    const [row] = await this.#sql<{ xid: string }[]>`select pg_snapshot_xmax(pg_current_snapshot())::text as xid`;
    return (row as { xid: string }).xid;
  }

  /** Whether an owner has written down that everything before this transaction lies in the log. */
  async hasRead(xid: string): Promise<boolean> {
    const rows = await this.#sql`select from timeline.topic_log_position where id = 1 and xid >= ${xid}::xid8`;
    return rows.length > 0;
  }

  /** Everything before `horizon` lies in the log now. Kept in memory; `savePosition` writes it down. */
  advance(horizon: string): void {
    this.#position = horizon;
  }

  async savePosition(): Promise<void> {
    await this.#sql`
      update timeline.topic_log_position set xid = ${this.#position}::xid8
      where id = 1 and owner = ${this.#lease.owner} and owner_epoch = ${this.#lease.epoch} and xid < ${this.#position}::xid8
    `;
  }

  /** As `Transport.waitingMs`. */
  async waitingMs(places: readonly PartitionOffsets[]): Promise<number | null> {
    const from = places.map(({ topic, committed, earliest }) => ({ topic, offset: committed ?? earliest }));
    const [row] = await this.#sql<{ ms: number | null }[]>`
      select extract(epoch from clock_timestamp() - min(r.requested_at))::float8 * 1000 as ms
      from jsonb_to_recordset(${this.#sql.json(from)}) as p (topic text, "offset" bigint)
      cross join lateral (
        select l.message_id from timeline.topic_log l where l.topic = p.topic and l."offset" >= p."offset"
        order by l."offset" limit 1
      ) l
      cross join lateral (
        select q.requested_at from timeline.event_request q where q.message_id = l.message_id offset 0
      ) r
    `;
    return row?.ms ?? null;
  }

  /** Messages of one topic from an offset on. */
  async read(topic: string, from: number, limit: number): Promise<Delivery[]> {
    const receivedAt = new Date();
    const rows = await this.#sql<{ wire: Wire; offset: number }[]>`
      select timeline.wire(r) as wire, l."offset"
      from timeline.topic_log l join timeline.event_request r on r.message_id = l.message_id
      where l.topic = ${topic} and l."offset" >= ${from}
      order by l."offset"
      limit ${limit}
    `;
    return rows.map((row) => delivery(fromWire(row.wire), row.offset, receivedAt));
  }
}

/** Made here: a heartbeat says nothing, and its record time is when it was found. */
function placedBeat({ message_id: id, republish_id: republishId, xid }: Unplaced): Placed {
  const request = {
    messageId: id,
    topic: HEARTBEAT_TOPIC,
    key: id,
    headers: { id, type: "heartbeat" },
    value: "{}",
    xid,
  };
  return { request: { ...request, requestedAt: new Date() }, republishId, xid };
}

function delivery(
  { topic, key, headers, value, requestedAt }: CommittedRequest,
  offset: number,
  receivedAt: Date,
  more: Pick<Delivery, "placed" | "own"> = {},
): Delivery {
  return { topic, partition: 0, offset, recordedAt: requestedAt, receivedAt, key, headers, value, ...more };
}
