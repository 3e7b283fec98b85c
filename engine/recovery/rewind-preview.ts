import { Refusal } from "../core/refusal.ts";
import type { Sql } from "../timeline/database.ts";
import { timeOf } from "../timeline/ids.ts";
import type { PartitionOffsets, Transport } from "../transport/port.ts";
import type { Groups } from "./groups.ts";
import { inboxHorizon } from "./inbox-horizon.ts";
import { stillWanted } from "../timeline/still-wanted.ts";

/** Consumptions since a time that are looked through for those that the topic has lost. */
const LOST_SEEN_MAX = 10_000;

/** Where to rewind to. All but an offset can be narrowed to one topic, or one partition of it. */
export type Target = (
  | { readonly topic: string; readonly partition: number; readonly offset: number; readonly skip?: boolean | undefined }
  | ({ readonly messageId: string } & Narrowing)
  | ({ readonly timestamp: string } & Narrowing)
  | ({ readonly firstError: true } & Narrowing)
) & {
  /** What the topic holds no more may be left out. */
  readonly leaveExpired?: boolean | undefined;
};

interface Narrowing {
  readonly topic?: string | undefined;
  readonly partition?: number | undefined;
}

/** One partition of a rewind, and what it will do. */
export interface RewindPart {
  readonly topic: string;
  readonly partition: number;
  readonly from: number | null;
  readonly to: number;
  readonly done: number;
  readonly run: number;
  /** Of those that run again: their saga is parked at that step. */
  readonly parked: number;
  readonly closed: number;
  readonly waiting: number;
  /** In the span, and older than what the topic holds: not read again. */
  readonly expired: number;
}

interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** A place that can be gone to. */
interface Move extends Place {
  /** Where the group stands. */
  readonly stands: number;
  readonly at: PartitionOffsets;
  readonly expired: number;
}

interface Counts {
  topic: string;
  partition: number;
  run: number;
  parked: number;
  closed: number;
}

/** What a rewind would do, from SQL, before anything moves. */
export class RewindPreview {
  readonly #sql: Sql;
  readonly #transport: Transport;
  readonly #groups: Groups;

  constructor(sql: Sql, transport: Transport, groups: Groups) {
    this.#sql = sql;
    this.#transport = transport;
    this.#groups = groups;
  }

  /** @throws Refusal `group.*` */
  async look(group: string, target: Target): Promise<readonly RewindPart[]> {
    const topics = this.#topics(group, target);
    const found = await this.#places(group, topics, target);
    const places = found.filter((place) => target.partition === undefined || place.partition === target.partition);
    const offsets = await this.#transport.offsets(group, topics);
    if (places.length === 0) throw nowhere(group, target, offsets);
    const moves = await Promise.all(places.map((place) => this.#move(group, target, place, offsets)));
    const counts = await this.#count(group, moves);
    return moves.map((move) => partOf(move, counts));
  }

  #topics(group: string, { topic }: Target): readonly string[] {
    const topics = this.#groups.topicsOf(group);
    if (topic === undefined) return topics;
    if (topics.includes(topic)) return [topic];
    const message = `group ${group} does not consume ${topic}`;
    throw new Refusal("group.offset-out-of-range", message, `It consumes ${topics.join(", ")}.`);
  }

  async #places(group: string, topics: readonly string[], target: Target): Promise<Place[]> {
    if ("offset" in target) return [target];
    if ("messageId" in target) return this.#placeOfMessage(group, topics, target.messageId);
    if ("timestamp" in target) return this.#placesAt(topics, new Date(target.timestamp));
    return this.#firstErrors(group, topics);
  }

  async #placesAt(topics: readonly string[], at: Date): Promise<Place[]> {
    const found = await Promise.all(
      topics.map(async (topic) => (await this.#transport.offsetsAt(topic, at)).map((place) => ({ topic, ...place }))),
    );
    return found.flat();
  }

  async #placeOfMessage(group: string, topics: readonly string[], messageId: string): Promise<Place[]> {
    const rows = await this.#sql<Place[]>`
      select topic, partition, "offset" from timeline.event_consumption
      where consumer_group = ${group} and message_id = ${messageId} and partition is not null
        and topic = any (${this.#sql.array([...topics])}::text[])
    `;
    if (rows.length === 0) throw nothing(`group ${group} has not consumed message ${messageId} there`);
    return [...rows];
  }

  /** The oldest row in error that would run again: one place for each partition that has one. */
  async #firstErrors(group: string, topics: readonly string[]): Promise<Place[]> {
    const rows = await this.#sql<Place[]>`
      select c.topic, c.partition, min(c."offset") as "offset"
      from timeline.event_consumption c
      left join lateral (
        select q.message_id, q.message_type, q.step_key from timeline.event_request q where q.message_id = c.message_id offset 0
      ) r on true
      left join lateral (
        select q.state from timeline.step_guard q where q.step_key = r.step_key offset 0
      ) g on true
      where c.consumer_group = ${group} and c.error_flag and c.partition is not null
        and c.topic = any (${this.#sql.array([...topics])}::text[]) and ${stillWanted(this.#sql)} and ${runsHere(this.#sql)}
      group by c.topic, c.partition
      order by c.topic, c.partition
    `;
    return [...rows];
  }

  async #move(group: string, target: Target, place: Place, offsets: readonly PartitionOffsets[]): Promise<Move> {
    const { topic, partition } = place;
    const at = offsets.find((candidate) => candidate.topic === topic && candidate.partition === partition);
    if (at === undefined || place.offset > at.end) throw outOfRange(place, at);
    const expired = await this.#expired(group, target, place, at);
    const held = Math.max(place.offset, at.earliest);
    const stands = at.committed ?? at.earliest;
    if (isForward(target, stands)) throw forward(group, place, stands);
    const offset = skips(target) ? held : Math.min(held, stands);
    if (offset < stands) await this.#refuseForgotten(group, { ...place, offset });
    return { topic, partition, offset, stands, at, expired };
  }

  /**
   * How many messages of the span the topic holds no more. Of a time: those that the group has consumed since, as far as
   * they are among the first; when the topic holds one from before that time, it has lost none from after it.
   */
  async #expired(group: string, target: Target, { offset }: Place, at: PartitionOffsets): Promise<number> {
    const { topic, partition, earliest } = at;
    if (offset < earliest) return earliest - offset;
    if (!("timestamp" in target) || earliest === 0 || offset > earliest) return 0;
    const [row] = await this.#sql<{ expired: number }[]>`
      select count(*)::integer as expired from (
        select c.topic, c.partition, c."offset", c.recorded_at from timeline.event_consumption c
        where c.consumer_group = ${group}
          and c.message_id >= timeline.ulid_time(${target.timestamp}::text::timestamptz) || repeat('0', 16)
        order by c.message_id
        limit ${LOST_SEEN_MAX}
      ) w
      where w.topic = ${topic} and w.partition = ${partition} and w."offset" < ${earliest}
        and w.recorded_at >= ${target.timestamp}::text::timestamptz
    `;
    return row?.expired ?? 0;
  }

  /** @throws Refusal `group.history-forgotten` */
  async #refuseForgotten(group: string, { topic, partition, offset }: Place): Promise<void> {
    const horizon = await inboxHorizon(this.#sql);
    if (horizon === null) return;
    const covered = (await this.#transport.offsetsAt(topic, timeOf(horizon))).find((at) => at.partition === partition);
    if (covered === undefined || offset >= covered.offset) return;
    throw new Refusal(
      "group.history-forgotten",
      `${topic}/${partition} at ${offset}: the consumption history of ${group} begins at ${covered.offset}`,
      `Rewind to ${covered.offset} or later; of what lies before nobody knows any more whether it was done.`,
    );
  }

  /**
   * What has failed from there on, in one statement and by the index of what has failed. A call that was cut off counts
   * among what waits: the committed offset never passes it. Attempts of one step run once: when one has done it, the others
   * are skipped.
   */
  #count(group: string, moves: readonly Move[]): Promise<readonly Counts[]> {
    const places = moves.map(({ topic, partition, offset }) => ({ topic, partition, offset }));
    return this.#sql<Counts[]>`
      select w.topic, w.partition, count(distinct w.work) filter (where w.open) as run,
        count(distinct w.work) filter (where w.open and w.parked) as parked, count(*) filter (where not w.open) as closed
      from (
        select e.topic, e.partition, ${stillWanted(this.#sql)} as open, p.parked,
          case when r.message_type in ('step.requested', 'compensation.requested')
            then r.message_type || coalesce(r.step_key, c.message_id) else c.message_id end as work
        from jsonb_to_recordset(${this.#sql.json(places)}) as e (topic text, partition integer, "offset" bigint)
        join timeline.event_consumption c on c.consumer_group = ${group} and c.error_flag and c.topic = e.topic
          and c.partition = e.partition and c."offset" >= e."offset"
        left join lateral (
          select q.message_id, q.correlation_id, q.message_type, q.step_key from timeline.event_request q
          where q.message_id = c.message_id offset 0
        ) r on true
        left join lateral (
          select q.state from timeline.step_guard q where q.step_key = r.step_key offset 0
        ) g on true
        left join lateral (
          select true as parked from timeline.saga_step q
          where q.saga_id = r.correlation_id and q.path = substr(r.step_key, length(r.correlation_id) + 2)
            and q.status = 'parked'
          offset 0
        ) p on true
        where ${runsHere(this.#sql)}
      ) w
      group by w.topic, w.partition
    `;
  }
}

/**
 * Whether a consumption `c` is of a message that its group may run: of the event store (`r`), or of another program in a
 * group that starts sagas by such messages. Whatever else another program wrote runs nothing.
 */
function runsHere(sql: Sql) {
  return sql`(r.message_id is not null or c.consumer_group like 'start.%')`;
}

function partOf({ topic, partition, offset, stands, at, expired }: Move, all: readonly Counts[]): RewindPart {
  const counted = all.find((one) => one.topic === topic && one.partition === partition);
  const { run, parked, closed } = counted ?? { run: 0, parked: 0, closed: 0 };
  const waiting = Math.max(0, at.end - Math.max(offset, stands));
  // What lies before the committed offset and has no row is nothing of this group's: it is passed over like what is done.
  const done = Math.max(0, Math.min(at.end, stands) - offset - run - closed);
  return { topic, partition, from: at.committed, to: offset, run, parked, closed, done, waiting, expired };
}

/** Whether a person has said that messages are to be passed over. */
export function skips(target: Target): boolean {
  return "offset" in target && target.skip === true;
}

/** What is no more in the topic is left out only by who has said so. @throws Refusal `group.offset-out-of-range` */
export function refuseExpired(parts: readonly RewindPart[], { leaveExpired }: Target): void {
  const part = parts.find(({ expired }) => expired > 0);
  if (part === undefined || leaveExpired === true) return;
  const { topic, partition, to, expired } = part;
  throw new Refusal(
    "group.offset-out-of-range",
    `${topic}/${partition}: the topic keeps messages from ${to} on only, and ${expired} before that are asked for`,
    "The event store has the older ones: `ekiden republish` sends many of them again, `ekiden redrive` those that failed. To rewind all the same, say `leaveExpired`.",
  );
}

/** An offset that was named; a message or a time beyond what is committed is one that was consumed a moment ago. */
function isForward(target: Target, stands: number): boolean {
  return "offset" in target && target.skip !== true && target.offset > stands;
}

function forward(group: string, { topic, partition, offset }: Place, stands: number): Refusal {
  return new Refusal(
    "group.rewind-forward",
    `${group} stands at ${stands} in ${topic}/${partition}: ${offset} would pass over messages that it has not consumed`,
    "To pass over them all the same, say `skip`; no message that fails ever stops those behind it.",
  );
}

function nowhere(group: string, target: Target, offsets: readonly PartitionOffsets[]): Refusal {
  const { partition } = target;
  const exists = partition === undefined || offsets.some((at) => at.partition === partition);
  if (!exists) return outOfRange({ topic: target.topic ?? "", partition, offset: 0 }, undefined);
  const there = target.topic === undefined ? "" : " there";
  return nothing(
    "messageId" in target
      ? `group ${group} has not consumed message ${target.messageId}${there}`
      : `group ${group} has no failed message that is still wanted${there}`,
  );
}

function outOfRange({ topic, partition, offset }: Place, at: PartitionOffsets | undefined): Refusal {
  if (at === undefined) {
    const message = `${topic}/${partition}: there is no such partition`;
    return new Refusal("group.offset-out-of-range", message, "GET /v1/consumer-groups/{group} lists its partitions.");
  }
  const message = `${topic}/${partition} at ${offset}: the topic holds ${at.earliest} to ${at.end}`;
  return new Refusal("group.offset-out-of-range", message, "Choose an offset between them.");
}

function nothing(message: string): Refusal {
  return new Refusal("group.nothing-to-rewind", message, "GET /v1/messages?error=true shows what failed and where.");
}
