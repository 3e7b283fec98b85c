import type { PartitionTrack, Place } from "./partition-track.ts";
import type { Delivery } from "./port.ts";

const BACKOFF_FIRST_MS = 100;
const BACKOFF_MAX_MS = 10_000;
/** How long a message may rest that needs only to be written down; the next batch takes it along. */
const REST_MS = 100;

/** A message that was taken in. */
export interface Held {
  delivery: Delivery;
  readonly place: Place;
  readonly track: PartitionTrack;
  readonly queue: KeyQueue;
  alone: boolean;
  /** It waits for its time. */
  later: boolean;
}

/** The messages of one key, which keep their order. */
export interface KeyQueue {
  readonly key: string;
  /** What a person knows it by: the message key. */
  readonly name: string;
  readonly waiting: Held[];
  /**
   * Idle: nothing waits. Ready: stands among those that may begin, once. Busy: a running batch holds messages of it. Waiting: its first
   * message waits for its time.
   */
  state: "idle" | "ready" | "busy" | "waiting";
  failures: number;
  failingSince: number;
  notBefore: number;
  /** Until then it goes with a batch of others, and makes none of its own. */
  restsUntil: number;
}

/** A queue that nothing waits in yet. `name`: the message key, or what stands for it. */
export function emptyQueue(key: string, name: string): KeyQueue {
  return { key, name, waiting: [], state: "idle", failures: 0, failingSince: 0, notBefore: 0, restsUntil: 0 };
}

/** Adds a message behind those that wait. One that need not rest ends the rest of those before it. */
export function add(queue: KeyQueue, held: Held, mayRest: boolean): void {
  queue.waiting.push(held);
  if (!mayRest) queue.restsUntil = 0;
  else if (queue.waiting.length === 1) queue.restsUntil = Date.now() + REST_MS;
}

/** How long it is until one of these queues may go that may not yet; infinity when there is none. */
export function soonest(queues: Iterable<KeyQueue>, now: number): number {
  let first = Number.POSITIVE_INFINITY;
  for (const { notBefore, restsUntil } of queues) {
    const time = Math.max(notBefore, restsUntil);
    if (time > now && time < first) first = time;
  }
  return first - now;
}

/** The front of a queue, up to a number of messages and about so many bytes; at least one. */
export function takeFrom(queue: KeyQueue, room: number, bytesRoom: number): Held[] {
  const until = queue.waiting[0]?.alone ? 1 : queue.waiting.findIndex((held) => held.alone);
  const most = Math.min(room, until === -1 ? queue.waiting.length : until);
  let count = 0;
  for (let bytes = 0; count < most && (count === 0 || bytes < bytesRoom); count += 1)
    bytes += bytesOf((queue.waiting[count] as Held).delivery);
  const taken = queue.waiting.splice(0, count);
  for (const held of taken) held.later = false;
  return taken;
}

/** What a message counts in bounds on bytes. */
export function bytesOf({ value }: Delivery): number {
  return value?.length ?? 0;
}

/** Puts a key's next try off, longer each time. */
export function backOff(queue: KeyQueue): void {
  if (queue.failures === 0) queue.failingSince = Date.now();
  queue.failures += 1;
  queue.notBefore = Date.now() + Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** (queue.failures - 1));
}

/** That keys have failed again and again for longer than `afterMs`, with the first of them. */
export function failingKeys(queues: Iterable<KeyQueue>, afterMs: number): string | undefined {
  const before = Date.now() - afterMs;
  const failing = [...queues].filter((queue) => queue.failures > 0 && queue.failingSince < before);
  const first = failing[0];
  if (first === undefined) return undefined;
  const place = first.waiting[0]?.delivery;
  const where = place === undefined ? "" : ` (${place.topic}/${place.partition} at ${place.offset})`;
  return `${failing.length} keys without an outcome for over ${Math.round(afterMs / 1000)} s, "${first.name}"${where}`;
}

/** Which action most of these messages ask for, as the end of a sentence that counts them. */
export function mostOf(messages: Iterable<Held>): string {
  const actions = Map.groupBy(messages, ({ delivery }) => delivery.headers["action"] ?? delivery.topic);
  const [most] = [...actions].toSorted(([, left], [, right]) => right.length - left.length);
  return most === undefined ? "" : `, ${most[1].length} of them ${most[0]}`;
}
