import type { Bound } from "../../core/bound.ts";
import { failpoint, loopOfGroup } from "../../failpoint.ts";
import type { Sql } from "../../timeline/database.ts";
import { Lanes } from "../lanes.ts";
import type { Consumer, ConsumerStatus, Delivery, Subscription } from "../port.ts";
import { type Lease, LeaseLost } from "./lease.ts";
import type { TopicLog } from "./topic-log.ts";

/** How often finished offsets are written, milliseconds. What a crash leaves unwritten is skipped as done. */
const COMMIT_EVERY_MS = 200;
const STUCK_AFTER_MS = 60_000;
/** Most messages, and about how many bytes of bodies, that are read from the log at once. */
const MESSAGES_READ = 250;
const BYTES_READ = 8 * 1024 * 1024;

function readMaxOf(deliveries: readonly Delivery[]): number {
  const bytes = deliveries.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
  const most = Math.floor((BYTES_READ * deliveries.length) / Math.max(1, bytes));
  return Math.max(1, Math.min(MESSAGES_READ, most));
}

/** What a consumer needs of its transport. */
export interface EmbeddedParts {
  readonly sql: Sql;
  readonly log: TopicLog;
  readonly lease: Lease;
  readonly problem: (what: string, error: unknown) => void;
}

/** One group's consumer: live messages come straight from memory, everything else is read from the topic's log. */
export class EmbeddedConsumer implements Consumer {
  readonly group: string;
  readonly topics: readonly string[];
  readonly #parts: EmbeddedParts;
  readonly #lanes: Lanes;
  /** The next offset to take in, by topic. */
  readonly #cursor = new Map<string, number>();
  /** Everything before it is done, by topic. */
  readonly #done = new Map<string, number>();
  readonly #written = new Map<string, number>();
  /** Messages read from the log at once: fewer when they are large. */
  #readMax = MESSAGES_READ;
  #owned = false;
  #paused = false;
  #stopped = false;
  #filling = false;
  #missed = false;
  #committing = false;
  /** Rewinds that have ended. */
  #rewinds = 0;
  /** Where a rewind whose offset is being written goes, by topic. */
  readonly #rewinding = new Map<string, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #turn: Promise<void> = Promise.resolve();
  #writing: Promise<void> = Promise.resolve();

  constructor(subscription: Subscription, parts: EmbeddedParts) {
    this.group = subscription.group;
    this.topics = subscription.topics;
    this.#parts = parts;
    this.#lanes = new Lanes(subscription, {
      finished: (topic, _partition, offset) => this.#finished(topic, offset),
      troubled: (error) => parts.problem(`a batch of group ${this.group} had no outcome and comes again`, error),
    });
  }

  /** This process owns the transport from now on, or must begin again where it has committed. */
  async begin(): Promise<void> {
    let committed: ReadonlyMap<string, number>;
    let rewinds: number;
    // A rewind meanwhile must not be undone by an offset that was read before it; its write is not waited for.
    do {
      rewinds = this.#rewinds;
      committed = await this.#committed();
    } while (rewinds !== this.#rewinds);
    if (this.#stopped) return;
    this.#lanes.forget();
    for (const topic of this.topics) this.#place(topic, this.#rewinding.get(topic) ?? committed.get(topic) ?? 0);
    this.#owned = true;
    this.#commitSoon();
    this.fill();
  }

  /** Another process owns it. */
  end(): void {
    this.#owned = false;
    this.#lanes.forget();
  }

  /** A live message whose place is being written. Taken if it is the next one and there is room; `offer` brings it again. */
  offerEarly(delivery: Delivery): void {
    if (this.#flows && this.#cursor.get(delivery.topic) === delivery.offset && this.#lanes.hasRoom)
      this.#take(delivery);
  }

  /** A live message. Taken if it is the next one and there is room; else it is read from the log in its turn. */
  offer(delivery: Delivery): void {
    const cursor = this.#cursor.get(delivery.topic);
    // Beyond it: it was taken early, or read from the log meanwhile.
    if (!this.#flows || cursor === undefined || cursor > delivery.offset) return;
    if (cursor === delivery.offset && this.#lanes.hasRoom) this.#take(delivery);
    else {
      this.#missed = true;
      this.fill();
    }
  }

  #take(delivery: Delivery): void {
    this.#cursor.set(delivery.topic, delivery.offset + 1);
    this.#lanes.take(delivery);
  }

  /** Reads what memory did not bring. One reader at a time; what is missed meanwhile is read in another round. */
  fill(): void {
    if (!this.#flows) return;
    if (this.#filling) {
      // The reader may be past a topic whose messages were forgotten meanwhile.
      this.#missed = true;
      return;
    }
    this.#filling = true;
    this.#fillAll()
      .catch((error: unknown) => {
        this.#missed = true;
        this.#parts.problem(`reading the topics of group ${this.group} failed`, error);
      })
      .finally(() => {
        this.#filling = false;
        if (this.#missed && this.#flows) setTimeout(() => this.fill(), 20);
      });
  }

  get bounds(): readonly Bound[] {
    return this.#lanes.bounds;
  }

  pause(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#paused) return;
      this.#paused = true;
      await this.#lanes.drop();
      // Before this process owns the group it knows no offset, and must not write one.
      if (!this.#owned) return;
      for (const topic of this.topics) this.#place(topic, this.#done.get(topic) ?? 0);
      await this.#commit();
    });
  }

  resume(): Promise<void> {
    return this.#inTurn(async () => {
      this.#paused = false;
      this.fill();
    });
  }

  owns(topic: string, partition: number): boolean {
    return this.#owned && partition === 0 && this.topics.includes(topic);
  }

  rewind(topic: string, _partition: number, offset: number, skip = false): Promise<void> {
    return this.#inTurn(async () => {
      const wasPaused = this.#paused;
      this.#paused = true;
      try {
        await this.#lanes.drop(topic, 0);
        const to = skip ? offset : Math.min(offset, this.#done.get(topic) ?? 0);
        this.#rewinding.set(topic, to);
        this.#place(topic, to);
        await this.#write([topic]);
      } finally {
        this.#rewinding.delete(topic);
        this.#rewinds += 1;
        // Other topics of the group were not dropped: they go on where they are.
        this.#paused = wasPaused;
        this.#missed = true;
        this.fill();
      }
    });
  }

  /** One change of position at a time: a resume in the middle of a pause's drain would be moved back by its end. */
  #inTurn(act: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(act);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  status(): ConsumerStatus {
    const problem = this.#lanes.problem(STUCK_AFTER_MS);
    const warning = this.#lanes.warning(STUCK_AFTER_MS);
    return {
      group: this.group,
      state: this.#stopped ? "stopped" : !this.#owned ? "standby" : this.#paused ? "paused" : "running",
      partitions: this.#owned ? this.topics.map((topic) => ({ topic, partition: 0 })) : [],
      inHand: this.#lanes.held,
      progressAt: this.#lanes.progressAt,
      ...(problem === undefined ? {} : { problem }),
      ...(warning === undefined ? {} : { warning }),
    };
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#lanes.close();
    if (this.#owned) await this.#commit();
  }

  get #flows(): boolean {
    return this.#owned && !this.#paused && !this.#stopped;
  }

  #place(topic: string, offset: number): void {
    this.#cursor.set(topic, offset);
    this.#done.set(topic, offset);
  }

  #finished(topic: string, offset: number): void {
    // A topic that was just placed anew must not be moved by a batch that began before.
    this.#done.set(topic, offset);
    this.#commitSoon();
    if (this.#missed) this.fill();
  }

  /** Only when there is something to write: a timer for each group that finds nothing keeps an idle engine awake. */
  #commitSoon(): void {
    if (this.#stopped) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#commitInTime();
    }, COMMIT_EVERY_MS);
  }

  async #fillAll(): Promise<void> {
    do {
      this.#missed = false;
      for (const topic of this.topics) await this.#fillTopic(topic);
    } while (this.#missed && this.#flows && this.#lanes.hasRoom);
  }

  async #fillTopic(topic: string): Promise<void> {
    for (;;) {
      const from = this.#cursor.get(topic) ?? 0;
      if (!this.#flows || from >= this.#parts.log.end(topic)) return;
      if (!this.#lanes.hasRoom) {
        this.#missed = true;
        return;
      }
      const deliveries = await this.#parts.log.read(topic, from, this.#readMax);
      // Moved meanwhile by a rewind, a pause or a live message: what was read is not what comes next.
      if (!this.#flows || this.#cursor.get(topic) !== from) {
        this.#missed = true;
        return;
      }
      if (deliveries.length === 0) return;
      this.#readMax = readMaxOf(deliveries);
      for (const delivery of deliveries) {
        if (!this.#lanes.hasRoom) break;
        this.#take(delivery);
      }
    }
  }

  async #committed(): Promise<Map<string, number>> {
    const rows = await this.#parts.sql<{ topic: string; offset: number }[]>`
      select topic, "offset" from timeline.consumer_offset where consumer_group = ${this.group} and partition = 0
    `;
    return new Map(rows.map(({ topic, offset }) => [topic, offset]));
  }

  /** One write at a time: a database that is slow to answer must not find the whole pool waiting for it. */
  async #commitInTime(): Promise<void> {
    if (!this.#owned) return;
    if (!this.#committing) {
      this.#committing = true;
      await this.#commit();
      this.#committing = false;
    }
    if (this.#unwritten().length > 0) this.#commitSoon();
  }

  #unwritten(): string[] {
    return this.topics.filter((topic) => this.#done.get(topic) !== this.#written.get(topic));
  }

  async #commit(): Promise<void> {
    const moved = this.#unwritten();
    if (moved.length === 0) return;
    try {
      await this.#write(moved);
    } catch (error) {
      // The transport finds out in a moment, and the next owner writes its own.
      if (error instanceof LeaseLost) return;
      this.#parts.problem(`offsets of group ${this.group} could not be written`, error);
    }
  }

  /** One write after the other: an older one that is slow must not end behind a newer one, a rewind's above all. */
  #write(topics: readonly string[]): Promise<void> {
    const write = this.#writing.then(() => this.#writeNow(topics));
    this.#writing = write.catch(() => {});
    return write;
  }

  /** The epoch stands in the statement: a former owner that wakes up moves no offset. @throws LeaseLost */
  async #writeNow(topics: readonly string[]): Promise<void> {
    const { sql, lease } = this.#parts;
    const rows = topics.map((topic) => ({ topic, offset: this.#done.get(topic) ?? 0 }));
    const written = await sql`
      with held as materialized (select timeline.holds_epoch(${lease.epoch}) as is)
      insert into timeline.consumer_offset as o (consumer_group, topic, partition, "offset")
      select ${this.group}, w.topic, 0, w."offset" from jsonb_to_recordset(${sql.json(rows)}) as w (topic text, "offset" bigint)
      where (select held.is from held)
      on conflict (consumer_group, topic, partition) do update set "offset" = excluded."offset", updated_at = clock_timestamp()
      returning topic
    `;
    if (written.length !== rows.length) throw new LeaseLost();
    failpoint(loopOfGroup(this.group), "after-offset");
    for (const { topic, offset } of rows) this.#written.set(topic, offset);
  }
}
