import type { EachBatchPayload } from "kafkajs";

import type { Bound } from "../../core/bound.ts";
import { failpoint, loopOfGroup } from "../../failpoint.ts";
import { Lanes } from "../lanes.ts";
import type { Consumer, ConsumerState, ConsumerStatus, Delivery } from "../port.ts";
import { atMost, withDeadline } from "./deadline.ts";
import { toDelivery } from "./delivery.ts";
import { readOffsets, refuseOutOfRange } from "./group-offsets.ts";
import type { KafkaConsumerOptions } from "./consumer-options.ts";
import { consumerLost, KafkaTransportError, reasonOf, sharedGroup } from "./kafka-error.ts";
import type { TransportLog } from "./kafka-log.ts";
import { LostMembership } from "./lost-membership.ts";
import { Member, type Place } from "./member.ts";
import { OwnedPartition } from "./owned-partition.ts";
import { type Patience, patience, Rebuilding } from "./rebuilding.ts";

const COMMIT_AFTER_MS = 100;
const COMMIT_RETRY_MS = 1_000;
const ROOM_CHECK_MS = 500;
const PLACE_ATTEMPTS = 5;
const PLACE_PAUSE_MS = 300;

/** A member of a group on Kafka: kafkajs fetches, the lanes run, and what they have done is committed here. */
export class KafkaConsumer implements Consumer {
  readonly group: string;
  readonly #options: KafkaConsumerOptions;
  readonly #log: TransportLog;
  readonly #lanes: Lanes;
  readonly #patience: Patience;
  readonly #rebuilding: Rebuilding;
  readonly #membership = new LostMembership();
  #member: Member | undefined;
  #owned = new Map<string, OwnedPartition>();
  #paused = false;
  #stopped = false;
  #lastAliveAt = Date.now();
  #placed: Promise<void> = Promise.resolve();
  #joined = Promise.withResolvers<void>();
  #control: Promise<unknown> = Promise.resolve();
  #commits: Promise<unknown> = Promise.resolve();
  #commitTimer: ReturnType<typeof setTimeout> | undefined;
  #lifeTimer: ReturnType<typeof setInterval> | undefined;

  constructor(options: KafkaConsumerOptions) {
    this.group = options.subscription.group;
    this.#options = options;
    this.#log = options.log;
    this.#patience = { ...patience, ...options.patience };
    this.#lanes = new Lanes(options.subscription, {
      finished: (topic, partition, offset) => this.#finished(topic, partition, offset),
      troubled: (error, batch) => this.#troubled(error, batch),
    });
    this.#rebuilding = new Rebuilding(this.#patience, {
      build: () => this.#build(),
      giveUp: (error) => {
        const lost = consumerLost(this.group, error);
        // A start that still waits for its partitions waits in vain.
        this.#joined.reject(lost);
        options.onFatal(lost);
      },
    });
  }

  /**
   * Joins the group. Resolves when its partitions, if any, are known.
   * @throws KafkaTransportError `kafka.join-failed`, `kafka.group-shared`, `kafka.consumer-lost`
   */
  async start(timeoutMs: number): Promise<void> {
    this.#lifeTimer = setInterval(() => this.#checkLife(), 1_000);
    void this.#build();
    const hint = "Is the broker well, and may this client use the group?";
    const late = () => new KafkaTransportError("kafka.join-failed", `group ${this.group} was not joined in time`, hint);
    try {
      await withDeadline(this.#joined.promise, timeoutMs, late);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  get bounds(): readonly Bound[] {
    return this.#lanes.bounds;
  }

  pause(): Promise<void> {
    return this.#exclusively(async () => {
      this.#paused = true;
      this.#close([...this.#owned.values()]);
      await this.#lanes.drop();
      await this.#commit();
    });
  }

  resume(): Promise<void> {
    return this.#exclusively(async () => {
      this.#paused = false;
      this.#open([...this.#owned.values()]);
    });
  }

  owns(topic: string, partition: number): boolean {
    return this.#owned.has(nameOf(topic, partition));
  }

  rewind(topic: string, partition: number, offset: number, skip = false): Promise<void> {
    return this.#exclusively(async () => {
      await this.#placed;
      const owned = this.#owned.get(nameOf(topic, partition));
      if (owned === undefined) throw this.#moved(topic, partition);
      const ranges = await readOffsets(this.#options.reader, this.group, [topic]);
      refuseOutOfRange(
        ranges.find((one) => one.partition === partition),
        topic,
        partition,
        offset,
      );
      this.#close([owned]);
      try {
        await this.#lanes.drop(topic, partition);
        const to = skip ? offset : Math.min(offset, owned.watermark ?? offset);
        await this.#alone(() => this.#moveTo(owned, to));
      } finally {
        // Also after a failure: what was dropped comes again from where the partition really stands.
        this.#open([owned]);
      }
    });
  }

  status(): ConsumerStatus {
    const problem = this.#problem();
    const warning = this.#lanes.warning(this.#patience.stalledMs);
    return {
      group: this.group,
      state: this.#state(),
      partitions: [...this.#owned.values()].map(({ topic, partition }) => ({ topic, partition })),
      inHand: this.#lanes.held,
      progressAt: this.#lanes.held > 0 ? this.#lanes.progressAt : new Date(this.#aliveAt),
      ...(problem !== undefined && { problem }),
      ...(warning !== undefined && { warning }),
    };
  }

  stop(): Promise<void> {
    return this.#exclusively(async () => {
      if (this.#stopped) return;
      this.#stopped = true;
      clearInterval(this.#lifeTimer);
      this.#rebuilding.cancel();
      this.#close([...this.#owned.values()]);
      await this.#lanes.close();
      await atMost(this.#commit(), this.#patience.commitMs);
      clearTimeout(this.#commitTimer);
      await this.#member?.stop();
      this.#owned = new Map();
    });
  }

  /** A client that is only being built has not been seen alive yet. */
  get #aliveAt(): number {
    return this.#rebuilding.active || this.#member === undefined ? this.#lastAliveAt : this.#member.aliveAt;
  }

  /** One life of a client. Never throws: a failure is a crash like any other. */
  async #build(): Promise<void> {
    if (this.#stopped) return;
    const { subscription, access, reader } = this.#options;
    const topics = subscription.topics.map((topic) => reader.names.topic(topic));
    const member: Member = new Member(access, reader.names.group(this.group), topics, {
      joined: (places) => this.#join(member, places),
      leaving: () => void this.#commit(),
      batch: (payload) => this.#takeIn(payload),
      passed: ({ topic, partition }, from, next) => this.#pass(reader.names.bare(topic), partition, next, from),
      crashed: (error) => this.#crashed(member, error),
    });
    this.#member = member;
    try {
      await member.start();
    } catch (error) {
      this.#crashed(member, error);
    }
  }

  /** Everything is read anew from the committed offsets: whatever was in hand belongs to an earlier generation. */
  #join(member: Member, places: readonly Place[]): void {
    if (member !== this.#member || this.#stopped) return;
    this.#lanes.forget();
    this.#membership.held();
    const { names } = this.#options.reader;
    const owned = places.map((place) => new OwnedPartition(names.bare(place.topic), place));
    this.#owned = new Map(owned.map((one) => [nameOf(one.topic, one.partition), one]));
    this.#placed = this.#place(member, owned);
  }

  /** Finds out where each partition begins, and lets it flow. Never throws. */
  async #place(member: Member, owned: readonly OwnedPartition[]): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const topics = [...new Set(owned.map((one) => one.topic))];
        const found = await readOffsets(this.#options.reader, this.group, topics);
        if (!this.#isCurrent(member, owned)) return;
        for (const one of owned) this.#begin(one, found);
        break;
      } catch (error) {
        if (!this.#isCurrent(member, owned)) return;
        if (attempt === PLACE_ATTEMPTS) {
          this.#crashed(member, error);
          return;
        }
        await Bun.sleep(PLACE_PAUSE_MS);
      }
    }
    this.#rebuilding.succeeded();
    this.#open(owned);
    this.#joined.resolve();
  }

  #begin(owned: OwnedPartition, found: Awaited<ReturnType<typeof readOffsets>>): void {
    const at = found.find(({ topic, partition }) => topic === owned.topic && partition === owned.partition);
    if (at === undefined) throw new Error(`${owned.topic}/${owned.partition} has no offsets`);
    owned.begin(at);
    if (at.committed === null || owned.watermark === at.committed) return;
    const fields = { group: this.group, ...at };
    this.#log.warn("the committed offset is out of range: reading again from the oldest message", fields);
  }

  #isCurrent(member: Member, owned: readonly OwnedPartition[]): boolean {
    if (member !== this.#member || this.#stopped) return false;
    return owned.length === this.#owned.size && owned.every((one) => this.#isOwned(one));
  }

  #isOwned(owned: OwnedPartition): boolean {
    return this.#owned.get(nameOf(owned.topic, owned.partition)) === owned;
  }

  #close(owned: readonly OwnedPartition[]): void {
    for (const one of owned) one.open = false;
    this.#member?.pause(owned.map((one) => one.place));
  }

  /** Lets partitions flow from their watermark: kafkajs has fetched beyond it. */
  #open(owned: readonly OwnedPartition[]): void {
    if (this.#paused || this.#stopped) return;
    const ready = owned.filter((one) => !one.open && one.watermark !== null && this.#isOwned(one));
    for (const one of ready) {
      this.#member?.seek(one.place, one.watermark ?? 0);
      one.open = true;
    }
    this.#member?.resume(ready.map((one) => one.place));
  }

  /** Hands a fetched batch to the lanes. Errors of kafkajs' heartbeat pass: it must see its own. */
  async #takeIn({ batch, resolveOffset, heartbeat, isRunning, isStale }: EachBatchPayload): Promise<void> {
    const { subscription, own, reader } = this.#options;
    const topic = reader.names.bare(batch.topic);
    const owned = this.#owned.get(nameOf(topic, batch.partition));
    const receivedAt = new Date();
    // Between two messages a rewind, a pause or a new generation may come: the rest is not ours to take then.
    const flows = () => owned?.open === true && this.#isOwned(owned) && isRunning() && !isStale();
    const expected = this.#lanes.position(topic, batch.partition) ?? owned?.watermark ?? 0;
    // Whoever makes a deleted topic again tells no member, for whom all of it would look as if it had been read.
    if (flows() && this.#member !== undefined && Number(batch.messages[0]?.offset) < expected)
      return this.#crashed(this.#member, new Error(`${topic}/${batch.partition} begins anew: its topic was deleted`));
    for (const message of batch.messages) {
      while (flows() && !this.#lanes.hasRoom) {
        await atMost(this.#lanes.room(), ROOM_CHECK_MS);
        await heartbeat();
      }
      if (!flows()) return;
      const delivery = toDelivery(topic, batch.partition, message, receivedAt);
      this.#lanes.take(subscription.knowsOwn ? own.claim(delivery) : delivery);
      resolveOffset(message.offset);
    }
    this.#pass(topic, batch.partition, Number(batch.lastOffset()) + 1);
  }

  #pass(topic: string, partition: number, next: number, from = 0): void {
    const owned = this.#owned.get(nameOf(topic, partition));
    const joins = owned?.open === true && owned.joins(from, this.#lanes.position(topic, partition));
    if (joins) this.#lanes.pass(topic, partition, next);
  }

  #finished(topic: string, partition: number, offset: number): void {
    const owned = this.#owned.get(nameOf(topic, partition));
    if (owned === undefined || owned.watermark === null || offset <= owned.watermark) return;
    owned.watermark = offset;
    this.#commitSoon(COMMIT_AFTER_MS);
  }

  #commitSoon(afterMs: number): void {
    if (this.#stopped) return;
    this.#commitTimer ??= setTimeout(() => {
      this.#commitTimer = undefined;
      void this.#commit();
    }, afterMs);
  }

  /** Commits what is done. Never throws: what is not committed is tried again, or comes again. */
  #commit(): Promise<void> {
    return this.#alone(async () => {
      const due = [...this.#owned.values()].flatMap((owned) => {
        const offset = owned.uncommitted;
        return offset === undefined ? [] : [{ owned, offset }];
      });
      if (due.length === 0) return;
      const member = this.#member;
      try {
        await member?.commit(due.map(({ owned, offset }) => ({ ...owned.place, offset })));
        failpoint(loopOfGroup(this.group), "after-offset");
        for (const { owned, offset } of due) owned.committed = offset;
        this.#membership.held();
      } catch (error) {
        this.#log.info("offsets were not committed", { group: this.group, reason: reasonOf(error) });
        if (member !== undefined && this.#membership.refused(error)) this.#crashed(member, error);
        this.#commitSoon(COMMIT_RETRY_MS);
      }
    });
  }

  /** Moves the committed offset and proves it, since kafkajs does not tell when it did nothing. */
  async #moveTo(owned: OwnedPartition, offset: number): Promise<void> {
    const { topic, partition, place } = owned;
    if (!this.#isOwned(owned)) throw this.#moved(topic, partition);
    await this.#member?.commit([{ ...place, offset }]);
    const now = await readOffsets(this.#options.reader, this.group, [topic]);
    const committed = now.find((one) => one.partition === partition)?.committed;
    if (!this.#isOwned(owned) || committed !== offset) throw this.#moved(topic, partition);
    owned.watermark = offset;
    owned.committed = offset;
  }

  #crashed(member: Member, cause: unknown): void {
    if (member !== this.#member || this.#stopped) return;
    const shared = sharedGroup(this.group, cause);
    // At a start nobody waits for the other program to go; while running it may, and this is a crash like any other.
    if (shared !== undefined) this.#joined.reject(shared);
    const error = shared ?? cause;
    if (!this.#rebuilding.active) this.#lastAliveAt = member.aliveAt;
    this.#member = undefined;
    this.#owned = new Map();
    this.#lanes.forget();
    void member.stop();
    this.#log.error("a consumer crashed and is built again", { group: this.group, reason: reasonOf(error) });
    this.#rebuilding.failed(error instanceof Error ? error : new Error(reasonOf(error)));
  }

  #checkLife(): void {
    const member = this.#member;
    if (member === undefined) return;
    const silentMs = Date.now() - member.aliveAt;
    if (silentMs > this.#patience.silentMs) this.#crashed(member, new Error(`nothing heard for ${silentMs} ms`));
  }

  #troubled(error: unknown, batch: readonly Delivery[]): void {
    const [{ topic, partition, offset } = { topic: "", partition: 0, offset: 0 }] = batch;
    const fields = { group: this.group, reason: reasonOf(error), messages: batch.length };
    this.#log.error("a batch had no outcome and comes again", {
      ...fields,
      first: `${topic}/${partition} at ${offset}`,
    });
  }

  #state(): ConsumerState {
    if (this.#stopped) return "stopped";
    if (this.#rebuilding.active) return "rebuilding";
    if (this.#paused) return "paused";
    return this.#owned.size === 0 ? "standby" : "running";
  }

  #problem(): string | undefined {
    if (this.#stopped) return undefined;
    if (this.#rebuilding.active) return `crashed, being built again: ${this.#rebuilding.reason}`;
    const silentMs = Date.now() - (this.#member?.aliveAt ?? 0);
    if (silentMs > this.#patience.silentMs / 2) return `no answer from Kafka for ${Math.round(silentMs / 1000)} s`;
    return this.#lanes.problem(this.#patience.stalledMs);
  }

  #moved(topic: string, partition: number): KafkaTransportError {
    const message = `${topic}/${partition} belongs to another member of ${this.group} now; it was not moved`;
    return new KafkaTransportError("kafka.partition-moved", message, "Ask again: its present owner will do it.");
  }

  /** Pause, resume, rewind and stop wait for each other. */
  #exclusively<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#control.then(act, act);
    this.#control = done.catch(() => undefined);
    return done;
  }

  /** One commit at a time: a rewind must not be overtaken by one that was under way. */
  #alone<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#commits.then(act, act);
    this.#commits = done.catch(() => undefined);
    return done;
  }
}

function nameOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}
