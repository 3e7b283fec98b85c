import type { Delivery, Subscription, Verdict } from "./port.ts";

/** Most messages that one group holds in memory; the adapter stops fetching above it. */
export const HELD_MAX = 2_000;

const BACKOFF_FIRST_MS = 100;
const BACKOFF_MAX_MS = 10_000;

interface Held {
  readonly delivery: Delivery;
  readonly partition: PartitionTrack;
  readonly generation: number;
  alone: boolean;
  done: boolean;
}

interface KeyQueue {
  readonly key: string;
  readonly waiting: Held[];
  busy: boolean;
  failures: number;
  notBefore: number;
}

interface PartitionTrack {
  readonly topic: string;
  readonly partition: number;
  /** In offset order; finished ones leave at the front only, so that the front is the offset to commit. */
  readonly held: Held[];
  /** The next offset to consume once `held` is empty. */
  next: number;
  generation: number;
  inProgress: number;
}

/** How lanes report to their adapter. */
export interface LanesPort {
  /** Everything before `offset` of this partition is done. Called often; the adapter commits at its own pace. */
  finished(topic: string, partition: number, offset: number): void;
  /** A batch threw: no outcome. The adapter logs; the lanes redeliver in place. */
  troubled(error: unknown, batch: readonly Delivery[]): void;
}

/**
 * Runs a subscription's batches: keeps the order of each key, lets other keys overtake a blocked one, redelivers in
 * place what had no outcome, and knows for each partition the first offset that is not done (reliability I10, R13).
 */
export class Lanes {
  readonly #subscription: Subscription;
  readonly #port: LanesPort;
  readonly #keys = new Map<string, KeyQueue>();
  readonly #partitions = new Map<string, PartitionTrack>();
  #ready: KeyQueue[] = [];
  #active = 0;
  #held = 0;
  #open = true;
  #waiters: (() => void)[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #progressAt = new Date();

  constructor(subscription: Subscription, port: LanesPort) {
    this.#subscription = subscription;
    this.#port = port;
  }

  /** Messages taken in and not yet done. */
  get held(): number {
    return this.#held;
  }

  /** True while another message may be taken in. */
  get hasRoom(): boolean {
    return this.#held < HELD_MAX;
  }

  get progressAt(): Date {
    return this.#held === 0 ? new Date() : this.#progressAt;
  }

  /** Takes a message in. Offsets of a partition come in rising order; one seen before is ignored. */
  take(delivery: Delivery): void {
    const track = this.#track(delivery.topic, delivery.partition);
    if (delivery.offset < track.next && track.next !== -1) return;
    track.next = delivery.offset + 1;
    const held: Held = { delivery, partition: track, generation: track.generation, alone: false, done: false };
    track.held.push(held);
    if (this.#held === 0) this.#progressAt = new Date();
    this.#held += 1;
    this.#enqueue(held);
    this.#pump();
  }

  /** The next offset this partition expects; null before the first message. */
  position(topic: string, partition: number): number | null {
    const track = this.#partitions.get(`${topic}/${partition}`);
    return track === undefined || track.next === -1 ? null : track.next;
  }

  /** Resolves when fewer than the limit are held, or when closed. */
  async room(): Promise<void> {
    while (this.#open && !this.hasRoom) await this.#change();
  }

  /** Forgets what waits in one partition, or in all, and awaits what is in progress there. */
  async drop(topic?: string, partition?: number): Promise<void> {
    const tracks = [...this.#partitions.values()].filter(
      (track) => topic === undefined || (track.topic === topic && track.partition === partition),
    );
    for (const track of tracks) this.#forget(track);
    while (tracks.some((track) => track.inProgress > 0)) await this.#change();
    for (const track of tracks) {
      track.held.length = 0;
      track.next = -1;
    }
  }

  /** Drops everything, awaits what is in progress, and takes nothing more. */
  async close(): Promise<void> {
    this.#open = false;
    clearTimeout(this.#timer);
    this.#notify();
    await this.drop();
  }

  #track(topic: string, partition: number): PartitionTrack {
    const name = `${topic}/${partition}`;
    let track = this.#partitions.get(name);
    if (track === undefined) {
      track = { topic, partition, held: [], next: -1, generation: 0, inProgress: 0 };
      this.#partitions.set(name, track);
    }
    return track;
  }

  #forget(track: PartitionTrack): void {
    track.generation += 1;
    for (const queue of this.#keys.values()) {
      const kept = queue.waiting.filter((held) => held.partition !== track);
      this.#held -= queue.waiting.length - kept.length;
      queue.waiting.splice(0, queue.waiting.length, ...kept);
    }
    this.#notify();
  }

  #enqueue(held: Held): void {
    // A message without a key has no order to keep; its place makes a key of its own.
    const { key, topic, partition, offset } = held.delivery;
    const name = key ?? `\u0000${topic}/${partition}/${offset}`;
    let queue = this.#keys.get(name);
    if (queue === undefined) {
      queue = { key: name, waiting: [], busy: false, failures: 0, notBefore: 0 };
      this.#keys.set(name, queue);
    }
    queue.waiting.push(held);
    if (!queue.busy && queue.waiting.length === 1) this.#ready.push(queue);
  }

  #pump(): void {
    while (this.#open && this.#active < this.#subscription.lanes) {
      const batch = this.#nextBatch();
      if (batch.length === 0) return;
      this.#active += 1;
      void this.#run(batch);
    }
  }

  /** Whole prefixes of ready keys, up to the batch limit; one that must go alone goes alone. */
  #nextBatch(): Held[] {
    const now = Date.now();
    const batch: Held[] = [];
    const later: KeyQueue[] = [];
    while (this.#ready.length > 0 && batch.length < this.#subscription.batchMax) {
      const queue = this.#ready.shift() as KeyQueue;
      const first = queue.waiting[0];
      if (first === undefined) this.#retire(queue);
      else if (queue.notBefore > now || (first.alone && batch.length > 0)) later.push(queue);
      else {
        queue.busy = true;
        batch.push(...this.#takeFrom(queue, this.#subscription.batchMax - batch.length));
        if (first.alone) break;
      }
    }
    this.#ready.unshift(...later);
    this.#wakeForBackoff(now);
    for (const held of batch) held.partition.inProgress += 1;
    return batch;
  }

  #takeFrom(queue: KeyQueue, room: number): Held[] {
    const until = queue.waiting[0]?.alone ? 1 : queue.waiting.findIndex((held) => held.alone);
    return queue.waiting.splice(0, Math.min(room, until === -1 ? queue.waiting.length : until));
  }

  #wakeForBackoff(now: number): void {
    clearTimeout(this.#timer);
    const waits = this.#ready.map((queue) => queue.notBefore - now).filter((wait) => wait > 0);
    if (waits.length > 0 && this.#open) this.#timer = setTimeout(() => this.#pump(), Math.min(...waits));
  }

  async #run(batch: readonly Held[]): Promise<void> {
    const deliveries = batch.map((held) => held.delivery);
    let verdicts: readonly Verdict[];
    try {
      verdicts = await this.#subscription.handle(deliveries, batch.length === 1 && batch[0]?.alone === true);
    } catch (error) {
      this.#port.troubled(error, deliveries);
      verdicts = deliveries.map(() => "again");
    }
    this.#settle(batch, verdicts);
    this.#active -= 1;
    this.#notify();
    this.#pump();
  }

  #settle(batch: readonly Held[], verdicts: readonly Verdict[]): void {
    const back = new Map<KeyQueue, Held[]>();
    const queues = new Set<KeyQueue>();
    for (const [index, held] of batch.entries()) {
      const queue = this.#queueOf(held);
      queues.add(queue);
      held.partition.inProgress -= 1;
      const verdict = verdicts[index] ?? "again";
      const blocked = back.get(queue);
      if (verdict === "done" && blocked === undefined) this.#finish(held, queue);
      else if (held.generation !== held.partition.generation) this.#held -= 1;
      else {
        if (blocked === undefined) {
          back.set(queue, [held]);
          if (verdict === "again") this.#backOff(queue);
          else held.alone = true;
        } else blocked.push(held);
      }
    }
    for (const queue of queues) {
      queue.waiting.unshift(...(back.get(queue) ?? []));
      queue.busy = false;
      if (queue.waiting.length > 0) this.#ready.push(queue);
      else this.#retire(queue);
    }
    for (const track of new Set(batch.map((held) => held.partition))) this.#advance(track);
  }

  #queueOf(held: Held): KeyQueue {
    const { key, topic, partition, offset } = held.delivery;
    return this.#keys.get(key ?? `\u0000${topic}/${partition}/${offset}`) as KeyQueue;
  }

  #finish(held: Held, queue: KeyQueue): void {
    held.done = true;
    queue.failures = 0;
    this.#held -= 1;
    this.#progressAt = new Date();
  }

  #backOff(queue: KeyQueue): void {
    queue.failures += 1;
    queue.notBefore = Date.now() + Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** (queue.failures - 1));
  }

  #retire(queue: KeyQueue): void {
    if (!queue.busy && queue.waiting.length === 0) this.#keys.delete(queue.key);
  }

  #advance(track: PartitionTrack): void {
    let finished = 0;
    while (track.held[finished]?.done) finished += 1;
    const last = track.held[finished - 1];
    track.held.splice(0, finished);
    if (last !== undefined) {
      this.#port.finished(track.topic, track.partition, track.held[0]?.delivery.offset ?? last.delivery.offset + 1);
    }
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  #notify(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
  }
}
