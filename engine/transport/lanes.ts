import type { Bound } from "../core/bound.ts";
import { laneBounds, NEARLY_FULL } from "./lane-bounds.ts";
import { add, backOff, bytesOf, emptyQueue, failingKeys, soonest, takeFrom } from "./key-queue.ts";
import type { Held, KeyQueue } from "./key-queue.ts";
import { batchTurns, type Turns } from "./turns.ts";
import { type Place, PartitionTrack, trackName } from "./partition-track.ts";
import { Singles } from "./singles.ts";
import { Waiting } from "./waiting.ts";
import { type Delivery, notOwn, placed, type Subscription, type Verdict } from "./port.ts";

/** Bytes of bodies in one batch, at most one message more. */
const BATCH_MAX_BYTES = 4 * 1024 * 1024;
const LATER_MS = 200;
/** A batch that takes longer lets another one begin beside it, however small. */
const PATIENCE_MS = 25;
/** A batch that throws this often is taken apart, so that one message of it cannot hold up the others for ever. */
const APART_AFTER = 3;

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
  readonly #turns: Turns;
  readonly #keys = new Map<string, KeyQueue>();
  readonly #partitions = new Map<string, PartitionTrack>();
  #ready: KeyQueue[] = [];
  readonly #waiting = new Waiting((queues) => {
    for (const queue of queues) this.#makeReady(queue);
    this.#pump();
  });
  readonly #singles: Singles;
  #batches = 0;
  /** When each batch in progress began; those that go alone may take as long as their step's timeout. */
  readonly #begunAt = new Set<number>();
  #held = 0;
  #bytes = 0;
  /** How often there was no room for a message that came. */
  #full = 0;
  #open = true;
  #waiters: (() => void)[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #wake = () => this.#pump();
  #patience: ReturnType<typeof setTimeout> | undefined;
  #progressAt = Date.now();
  /** Last time a lane was free. */
  #freeAt = Date.now();

  constructor(subscription: Subscription, port: LanesPort, turns = batchTurns) {
    this.#turns = turns;
    this.#subscription = subscription;
    this.#singles = new Singles(subscription, (first) => this.#waiting.has(first));
    this.#port = port;
  }

  /** Messages taken in and not yet done. */
  get held(): number {
    return this.#held;
  }

  /** True while another message may be taken in. */
  get hasRoom(): boolean {
    return this.#waiting.shareOf(this.#held, this.#bytes) < 1;
  }

  get bounds(): readonly Bound[] {
    return laneBounds(this.#subscription, () => ({
      held: this.#held - this.#waiting.spared,
      bytes: this.#bytes - this.#waiting.sparedBytes,
      waiting: this.#waiting.count,
      batches: this.#batches,
      singles: this.#singles.running,
      full: this.#full,
    }));
  }

  get progressAt(): Date {
    return this.#held === 0 ? new Date() : new Date(this.#progressAt);
  }

  /** Why messages do not end: a key that keeps failing, or lanes that are all busy, for longer than `afterMs`. */
  problem(afterMs: number): string | undefined {
    const failing = failingKeys(this.#keys.values(), afterMs);
    if (failing !== undefined) return failing;
    const waiting = this.hasRoom ? undefined : this.#waiting.problem(afterMs);
    const late = waiting ?? this.#singles.problem(afterMs);
    if (late !== undefined) return late;
    // By the clock that no one sets: after a sleep of the machine a batch has not run for as long as the wall clock says.
    const hangs = Math.min(...this.#begunAt) < performance.now() - afterMs;
    const full = this.#batches >= this.#subscription.lanes && this.#ready.length > 0;
    if (full && (hangs || this.#freeAt < Date.now() - afterMs))
      return `all ${this.#batches} lanes busy for over ${Math.round(afterMs / 1000)} s`;
    return hangs ? `a batch in progress for over ${Math.round(afterMs / 1000)} s` : undefined;
  }

  /** What holds the group up although nothing is wrong with it: first tries that wait have taken the room. */
  warning(afterMs: number): string | undefined {
    if (this.#waiting.shareOf(this.#held, this.#bytes) < NEARLY_FULL) return undefined;
    return this.#singles.warning(afterMs, this.#held - this.#waiting.spared);
  }

  /** Takes a message in. Offsets of a partition come in rising order; one seen before is ignored. */
  take(delivery: Delivery): void {
    if (!this.#open) return;
    const track = this.#track(delivery.topic, delivery.partition);
    const place = track.accept(delivery.offset);
    if (place === undefined) return;
    if (this.#held === 0) this.#progressAt = Date.now();
    this.#held += 1;
    this.#bytes += bytesOf(delivery);
    if (!this.hasRoom) this.#full += 1;
    this.#enqueue(delivery, place, track);
    this.#pump();
  }

  /** Records that a partition holds nothing to consume before `next` but what was taken in (Kafka's control records). */
  pass(topic: string, partition: number, next: number): void {
    if (!this.#open) return;
    const track = this.#track(topic, partition);
    track.pass(next);
    const finished = track.advance();
    if (finished === next) this.#port.finished(topic, partition, finished);
  }

  /** The next offset this partition expects; null before the first message. */
  position(topic: string, partition: number): number | null {
    const track = this.#partitions.get(trackName(topic, partition));
    return track === undefined || track.next === -1 ? null : track.next;
  }

  /** Resolves when fewer than the limit are held, or when closed. */
  async room(): Promise<void> {
    while (this.#open && !this.hasRoom) await this.#change();
  }

  /** Forgets what waits in one partition, or in all, and awaits what is in progress there. */
  async drop(topic?: string, partition?: number): Promise<void> {
    const tracks = this.#detach(topic, partition);
    while (tracks.some((track) => track.inProgress > 0)) await this.#change();
  }

  /**
   * Forgets one partition, or all, at once: this member owns it no more, or reads it anew. What is in progress ends,
   * but moves no offset; its keys stay busy until then, so nothing of them runs twice at a time.
   */
  forget(topic?: string, partition?: number): void {
    for (const track of this.#detach(topic, partition)) track.reporting = false;
  }

  /** Drops everything, awaits what is in progress, and takes nothing more. */
  async close(): Promise<void> {
    this.#open = false;
    clearTimeout(this.#timer);
    clearTimeout(this.#patience);
    this.#waiting.stop();
    this.#turns.forget(this.#wake);
    this.#notify();
    await this.drop();
  }

  #track(topic: string, partition: number): PartitionTrack {
    const name = trackName(topic, partition);
    let track = this.#partitions.get(name);
    if (track === undefined) {
      track = new PartitionTrack(topic, partition);
      this.#partitions.set(name, track);
    }
    return track;
  }

  #detach(topic?: string, partition?: number): readonly PartitionTrack[] {
    const tracks = [...this.#partitions.values()].filter(
      (track) => topic === undefined || (track.topic === topic && track.partition === partition),
    );
    for (const track of tracks) this.#partitions.delete(trackName(track.topic, track.partition));
    for (const queue of this.#keys.values()) this.#clear(queue, tracks);
    this.#sortReady();
    this.#notify();
    return tracks;
  }

  #clear(queue: KeyQueue, tracks: readonly PartitionTrack[]): void {
    const kept = queue.waiting.filter((held) => !tracks.includes(held.track));
    if (queue.state === "waiting" && kept[0] !== queue.waiting[0]) {
      this.#waiting.cancel(queue);
      queue.notBefore = 0;
      this.#makeReady(queue);
    }
    for (const held of queue.waiting) if (tracks.includes(held.track)) this.#letGo(held);
    queue.waiting.splice(0, queue.waiting.length, ...kept);
    if (queue.state === "ready" && kept.length === 0) this.#retire(queue);
  }

  #enqueue(delivery: Delivery, place: Place, track: PartitionTrack): void {
    // Order is kept within a topic, as Kafka keeps it. A message without a key has none to keep: its place makes one.
    const lane =
      this.#subscription.laneOf?.(delivery) ?? delivery.key ?? `\u0000${delivery.partition}/${delivery.offset}`;
    const key = `${delivery.topic}/${lane}`;
    let queue = this.#keys.get(key);
    if (queue === undefined) {
      queue = emptyQueue(key, delivery.key ?? key);
      this.#keys.set(key, queue);
    }
    const mayRest = this.#subscription.mayRest?.(delivery) ?? false;
    add(queue, { delivery, place, track, queue, alone: false, later: false }, mayRest);
    if (queue.state === "idle") this.#makeReady(queue);
  }

  #makeReady(queue: KeyQueue): void {
    queue.state = "ready";
    if (queue.waiting[0]?.alone) this.#singles.add(queue);
    else this.#ready.push(queue);
  }

  /** Messages were taken out of queues: some are empty now, some begin with another message. */
  #sortReady(): void {
    const queues = [...this.#singles.sort(), ...this.#ready].filter((queue) => queue.state === "ready");
    this.#ready = [];
    for (const queue of queues) this.#makeReady(queue);
  }

  #retire(queue: KeyQueue): void {
    queue.state = "idle";
    this.#keys.delete(queue.key);
  }

  #pump(): void {
    while (this.#open) {
      const single = this.#singles.begin(Date.now());
      if (single === undefined) break;
      single.track.inProgress += 1;
      void this.#run([single], true);
    }
    this.#wakeForBackoff(Date.now());
    while (this.#open && this.#batches < this.#subscription.lanes) {
      this.#freeAt = Date.now();
      if (!this.#worthwhile()) break;
      const batch = this.#nextBatch();
      if (batch.length === 0) break;
      this.#batches += 1;
      void this.#run(batch, false, this.#turns.take());
    }
  }

  /**
   * Whether another batch is worth a transaction of its own: few messages wait for the batch in progress to end, and go
   * together then; many, or a batch that takes long, do not.
   */
  #worthwhile(): boolean {
    if (this.#ready.length === 0) return false;
    if (this.#batches > 0 && this.#ready.length * 2 < this.#subscription.batchMax) {
      const left = Math.min(...this.#begunAt) + PATIENCE_MS - performance.now();
      if (left > 0) return this.#pumpIn(left);
    }
    if (this.#turns.free) return true;
    this.#turns.wait(this.#wake);
    return false;
  }

  #pumpIn(ms: number): false {
    this.#patience ??= setTimeout(() => {
      this.#patience = undefined;
      this.#pump();
    }, ms + 1);
    return false;
  }

  /** Whole prefixes of ready keys, up to the batch limit. */
  #nextBatch(): Held[] {
    const now = Date.now();
    const batch: Held[] = [];
    const later: KeyQueue[] = [];
    const resting: KeyQueue[] = [];
    const ready = this.#ready;
    const { batchMax } = this.#subscription;
    let bytes = 0;
    const hasRoom = () => batch.length < batchMax && bytes < BATCH_MAX_BYTES;
    const take = (queue: KeyQueue) => {
      queue.state = "busy";
      const taken = takeFrom(queue, batchMax - batch.length, BATCH_MAX_BYTES - bytes);
      batch.push(...taken);
      for (const held of taken) bytes += bytesOf(held.delivery);
    };
    while (ready.length > 0 && hasRoom()) {
      const queue = ready.shift() as KeyQueue;
      if (queue.notBefore > now) later.push(queue);
      else if (queue.restsUntil > now) resting.push(queue);
      else take(queue);
    }
    while (batch.length > 0 && resting.length > 0 && hasRoom()) take(resting.shift() as KeyQueue);
    ready.unshift(...later, ...resting);
    this.#wakeForBackoff(now);
    for (const held of batch) held.track.inProgress += 1;
    return batch;
  }

  #wakeForBackoff(now: number): void {
    clearTimeout(this.#timer);
    const wait = Math.min(soonest(this.#ready, now), this.#singles.soonest(now));
    if (wait !== Number.POSITIVE_INFINITY && this.#open) this.#timer = setTimeout(() => this.#pump(), wait);
  }

  async #run(batch: readonly Held[], alone: boolean, giveTurn?: () => void): Promise<void> {
    const deliveries = batch.map((held) => held.delivery);
    const begunAt = performance.now();
    if (!alone) this.#begunAt.add(begunAt);
    let verdicts: readonly Verdict[] = [];
    try {
      // Nothing to wait for is not waited for: what follows begins in the same turn.
      const waits = this.#subscription.awaitsPlaces !== true && deliveries.some((one) => one.placed !== undefined);
      if (waits) await placed(deliveries);
      verdicts = await this.#subscription.handle(deliveries, alone);
    } catch (error) {
      this.#port.troubled(error, deliveries);
      for (const held of batch) if (held.queue.failures >= APART_AFTER) held.alone = true;
    }
    this.#settle(batch, verdicts);
    this.#begunAt.delete(begunAt);
    if (alone) this.#singles.ended();
    else this.#batches -= 1;
    giveTurn?.();
    this.#freeAt = Date.now();
    this.#notify();
    this.#pump();
  }

  #settle(batch: readonly Held[], verdicts: readonly Verdict[]): void {
    const back = new Map<KeyQueue, Held[]>();
    for (const [index, held] of batch.entries()) {
      held.track.inProgress -= 1;
      const verdict = verdicts[index] ?? "again";
      held.delivery = notOwn(held.delivery);
      const blocked = back.get(held.queue);
      if (blocked !== undefined) blocked.push(held);
      else if (verdict === "done") this.#finish(held);
      else {
        back.set(held.queue, [held]);
        if (verdict === "later") {
          held.alone = held.later = true;
          held.queue.notBefore = Date.now() + (this.#subscription.laterMs?.(held.delivery) ?? LATER_MS);
          continue;
        }
        // One that was alone and wants to be alone again waits like any other, or it would spin.
        if (verdict === "again" || held.alone) backOff(held.queue);
        if (verdict === "alone") held.alone = true;
      }
    }
    for (const queue of new Set(batch.map((held) => held.queue))) this.#release(queue, back.get(queue) ?? []);
    for (const track of new Set(batch.map((held) => held.track))) {
      if (track.reporting) this.#port.finished(track.topic, track.partition, track.advance());
    }
  }

  /** Gives a key's messages back to its queue, but for those whose partition was forgotten meanwhile, and what they waited for. */
  #release(queue: KeyQueue, back: readonly Held[]): void {
    const kept = back.filter(
      (held) => this.#partitions.get(trackName(held.track.topic, held.track.partition)) === held.track,
    );
    for (const held of back) if (!kept.includes(held)) this.#letGo(held);
    if (back[0]?.later && kept[0] !== back[0]) queue.notBefore = 0;
    queue.waiting.unshift(...kept);
    const first = queue.waiting[0];
    if (first === undefined) this.#retire(queue);
    else if (first.later) this.#waiting.add(queue, first);
    else this.#makeReady(queue);
  }

  #finish(held: Held): void {
    held.place.done = true;
    held.queue.failures = 0;
    this.#letGo(held);
    this.#progressAt = Date.now();
  }

  #letGo(held: Held): void {
    this.#held -= 1;
    this.#bytes -= bytesOf(held.delivery);
    this.#waiting.end(held);
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
