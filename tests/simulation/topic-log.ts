import { wireOf } from "../../engine/timeline/wire.ts";
import type { Delivery, Verdict } from "../../engine/transport/port.ts";
import type { Random } from "./random.ts";
import type { RequestRow } from "./tables.ts";

/** Messages of one key of one topic: a group takes them in order, one batch at a time. */
interface Lane {
  readonly key: string;
  /** Offsets that are not done. */
  waiting: number[];
  /** The delivery that is in hand; a new one begins when a rewind or a dead process has taken it away. */
  busy: object | undefined;
  notBeforeMs: number;
  alone: boolean;
}

interface Message {
  readonly row: RequestRow;
  readonly delivery: Omit<Delivery, "receivedAt">;
}

/** What a group has been given at once. */
export interface Handed {
  readonly group: string;
  readonly token: object;
  readonly alone: boolean;
  readonly lanes: readonly { readonly lane: Lane; readonly count: number }[];
  readonly deliveries: readonly Delivery[];
}

const AGAIN_MS = 50;

/**
 * MODEL of the way from the outbox to the consumers: topics in commit order, for each consumer group a lane for each
 * topic and key. A message stays until its group says that it is done; it may come again at any time.
 */
export class TopicLog {
  readonly #topics = new Map<string, Message[]>();
  readonly #groups = new Map<string, Map<string, Lane>>();
  /** What each group has been given before. */
  readonly #given = new Set<Message>();
  readonly #groupsOf: (topic: string) => readonly string[];

  constructor(groupsOf: (topic: string) => readonly string[]) {
    this.#groupsOf = groupsOf;
  }

  append(row: RequestRow): void {
    const messages = this.#topics.get(row.topic) ?? [];
    this.#topics.set(row.topic, messages);
    const offset = messages.length;
    const written = {
      message_id: row.messageId,
      requested_at: row.requestedAt,
      xid: row.xid,
      body: JSON.stringify(row.messageBody),
      headers: row.messageHeaders === null ? null : JSON.stringify(row.messageHeaders),
    };
    const { topic, key, headers, value, requestedAt } = wireOf(row, written);
    messages.push({ row, delivery: { topic, partition: 0, offset, recordedAt: requestedAt, key, headers, value } });
    for (const group of this.#groupsOf(topic)) this.#laneOf(group, row).waiting.push(offset);
  }

  /** The connector repeats the last messages of a topic, as it does after a crash. */
  repeatSome(random: Random): void {
    const topics = [...this.#topics];
    if (topics.length === 0) return;
    const [, messages] = random.pick(topics);
    for (const { row } of messages.slice(-1 - random.below(4))) this.append(row);
  }

  /** A group is put back to some offset of a topic. */
  rewindSome(random: Random): void {
    const topics = [...this.#topics];
    if (topics.length === 0) return;
    const [topic, messages] = random.pick(topics);
    for (const group of this.#groupsOf(topic)) this.#rewind(group, topic, random.below(messages.length));
  }

  /** Groups that could be given something now. */
  hungry(nowMs: number): string[] {
    return [...this.#groups.keys()].filter((group) => this.#open(group, nowMs).length > 0);
  }

  /** When a lane that waits for its time may be taken. */
  nextMs(nowMs: number): number {
    let least = Number.POSITIVE_INFINITY;
    for (const lanes of this.#groups.values()) {
      for (const lane of lanes.values()) {
        if (lane.busy === undefined && lane.waiting.length > 0 && lane.notBeforeMs > nowMs) {
          least = Math.min(least, lane.notBeforeMs);
        }
      }
    }
    return least;
  }

  /** Gives a group some of what waits: some lanes, each from its beginning, or one message alone. */
  hand(group: string, nowMs: number, random: Random): Handed {
    const open = this.#open(group, nowMs);
    const first = random.pick(open);
    const others = first.alone ? [] : open.filter((lane) => lane !== first && !lane.alone && random.chance(0.5));
    const token = {};
    const lanes = [first, ...others].map((lane) => {
      lane.busy = token;
      return { lane, count: first.alone ? 1 : 1 + random.below(Math.min(3, lane.waiting.length)) };
    });
    const receivedAt = new Date(nowMs);
    const deliveries = lanes.flatMap(({ lane, count }) =>
      lane.waiting.slice(0, count).map((offset) => this.#give(this.#at(lane, offset), receivedAt)),
    );
    return { group, token, alone: first.alone, lanes, deliveries };
  }

  /**
   * Most are marked as a process's own when they are given for the first time, also to another one than wrote them and
   * where a copy was given before: more than the transport may do, and nothing must come of it.
   */
  #give(message: Message, receivedAt: Date): Delivery {
    const { delivery } = message;
    const isFirst = !this.#given.has(message);
    this.#given.add(message);
    return { ...delivery, receivedAt, ...(isFirst && delivery.offset % 4 > 0 ? { own: true } : {}) };
  }

  /** Takes the verdicts of what was handed out; what was taken away meanwhile is another's. */
  settle({ token, lanes, deliveries }: Handed, verdicts: readonly Verdict[], nowMs: number): void {
    let at = 0;
    for (const { lane, count } of lanes) {
      const own = verdicts.slice(at, at + count);
      const offsets = deliveries.slice(at, at + count).map(({ offset }) => offset);
      at += count;
      if (lane.busy !== token) continue;
      lane.busy = undefined;
      const bad = own.findIndex((verdict) => verdict !== "done");
      const done = new Set(offsets.slice(0, bad === -1 ? count : bad));
      lane.waiting = lane.waiting.filter((offset) => !done.has(offset));
      const verdict = own[bad];
      lane.alone = verdict === "alone" || verdict === "later" || (verdict === "again" && lane.alone);
      lane.notBeforeMs = verdict === "later" || verdict === "again" ? nowMs + AGAIN_MS : 0;
    }
  }

  /** What is in hand is taken away, though its process may still be at it. */
  #rewind(group: string, topic: string, from: number): void {
    for (const [name, lane] of this.#groups.get(group) ?? []) if (topicOf(name) === topic) lane.busy = undefined;
    this.#again(group, topic, from);
  }

  /** What a dead process, or one that has lost its partitions, had in hand comes again, with what stands behind the committed offset. */
  takeBack(group: string, tokens: ReadonlySet<object>): void {
    const lanes = this.#groups.get(group) ?? new Map<string, Lane>();
    const lost = [...lanes].filter(([, lane]) => lane.busy !== undefined && tokens.has(lane.busy));
    for (const topic of new Set(lost.map(([name]) => topicOf(name)))) {
      const own = [...lanes].filter(([name]) => topicOf(name) === topic).map(([, lane]) => lane);
      const committed = Math.min(...own.flatMap(({ waiting }) => waiting));
      // Lanes in the hands of others keep them: they may well be done when the same messages come again.
      for (const [, lane] of lost) lane.busy = undefined;
      if (Number.isFinite(committed)) this.#again(group, topic, committed);
    }
  }

  #again(group: string, topic: string, from: number): void {
    for (const [name, lane] of this.#groups.get(group) ?? []) {
      if (topicOf(name) !== topic || lane.busy !== undefined) continue;
      const again = (this.#topics.get(topic) ?? []).flatMap((message, offset) =>
        offset >= from && laneName(message.row) === name ? [offset] : [],
      );
      lane.waiting = [...new Set([...lane.waiting, ...again])].sort((one, other) => one - other);
    }
  }

  /** Holds up a lane. */
  delay(untilMs: number, random: Random): void {
    const lanes = [...this.#groups.values()].flatMap((lanesOf) => [...lanesOf.values()]);
    if (lanes.length > 0) random.pick(lanes).notBeforeMs = untilMs;
  }

  /** Messages that a group has not done yet. */
  get lag(): number {
    let lag = 0;
    for (const lanes of this.#groups.values()) for (const lane of lanes.values()) lag += lane.waiting.length;
    return lag;
  }

  #open(group: string, nowMs: number): Lane[] {
    return [...(this.#groups.get(group)?.values() ?? [])].filter(
      (lane) => lane.busy === undefined && lane.waiting.length > 0 && lane.notBeforeMs <= nowMs,
    );
  }

  #at(lane: Lane, offset: number): Message {
    return (this.#topics.get(topicOf(lane.key)) as Message[])[offset] as Message;
  }

  #laneOf(group: string, row: RequestRow): Lane {
    const lanes = this.#groups.get(group) ?? new Map<string, Lane>();
    this.#groups.set(group, lanes);
    const name = laneName(row);
    const lane = lanes.get(name) ?? { key: name, waiting: [], busy: undefined, notBeforeMs: 0, alone: false };
    lanes.set(name, lane);
    return lane;
  }
}

/** Nobody waits for a notification: each has a lane of its own, as the participant asks for. */
function laneName(row: RequestRow): string {
  const own = row.messageHeaders?.["notify"] === true ? ` ${row.messageId}` : "";
  return `${row.topic} ${row.correlationId}${own}`;
}

function topicOf(lane: string): string {
  return lane.slice(0, lane.indexOf(" "));
}
