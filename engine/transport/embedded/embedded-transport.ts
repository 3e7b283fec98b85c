import type { Bound } from "../../core/bound.ts";
import { failpoint } from "../../failpoint.ts";
import { Pause } from "../../pause.ts";
import type { Sql } from "../../timeline/database.ts";
import {
  type AnnouncedRequest,
  type Consumer,
  type HandOver,
  HEARTBEAT_TOPIC,
  type PartHealth,
  type PartitionOffsets,
  type PartitionOwner,
  type Subscription,
  type Transport,
} from "../port.ts";
import { BeatConsumer } from "./beat-consumer.ts";
import { EmbeddedConsumer } from "./embedded-consumer.ts";
import { HandOverQueue } from "./hand-over-queue.ts";
import { Lease, LeaseLost, readOwner } from "./lease.ts";
import type { LeaseKeeper } from "./lease-keeper.ts";
import { OutboxPace } from "./outbox-pace.ts";
import { type Found, type Placed, READ_MAX, TopicLog } from "./topic-log.ts";

const STANDBY_MS = 250;
const SAVE_POSITION_MS = 5_000;
/** Rows of others whose bodies are read at once. */
const FETCH_MAX = 100;
const ALL_TRANSACTIONS = (1n << 64n) - 1n;

export interface EmbeddedOptions {
  readonly sql: Sql;
  /**
   * A pool of one connection that is never recycled, with `synchronous_commit = off`, named after `owner`: while it
   * lives, the owner lives. What it is notified of goes to `lookNow`.
   */
  readonly writer: Sql;
  /** Who: host, pid and a random part. */
  readonly owner: string;
  readonly keeper: LeaseKeeper;
  /** How often an owner at rest looks at the outbox, milliseconds; without it once a second. */
  readonly restPollMs?: number;
  readonly problem: (what: string, error: unknown) => void;
  /** Told when this process becomes the standby of another, and when it takes over. */
  readonly changed?: (what: string) => void;
}

/** Rows of `event_request` reach consumers inside this process: no broker, the same order and rewind as with one. */
export class EmbeddedTransport implements Transport {
  readonly kind = "embedded";
  readonly relay = null;
  readonly #options: EmbeddedOptions;
  readonly #lease: Lease;
  readonly #log: TopicLog;
  readonly #queue: HandOverQueue;
  readonly #pace: OutboxPace;
  readonly #consumers = new Map<string, EmbeddedConsumer | BeatConsumer>();
  #owner = false;
  /** Every consumer has begun since the lease was taken. */
  #begun = false;
  /** It was said that this process is a standby. */
  #isStandby = false;
  /** A step of the loop failed: memory may know less than the table. */
  #unsure = false;
  /** Consumers were ended because of places that could not be written, and have not begun again. */
  #withdrawn = false;
  /** Transactions below were or may be written before this process owned the transport; null: all of them are read. */
  #readUntil: bigint | null = null;
  readonly #pause = new Pause();
  #stopped = false;
  #woken = false;
  #loop: Promise<void> | undefined;
  #savedAt = 0;

  constructor(options: EmbeddedOptions) {
    this.#options = options;
    this.#lease = new Lease(options.writer, options.owner, options.keeper);
    this.#log = new TopicLog(options.sql, options.writer, this.#lease);
    this.#queue = new HandOverQueue(() => this.#rouse());
    this.#pace = new OutboxPace(options.restPollMs);
  }

  async ensureTopics(topics: readonly string[]): Promise<void> {
    const rows = topics.map((name) => ({ name }));
    await this.#options.sql`
      insert into timeline.topic (name) select name from jsonb_to_recordset(${this.#options.sql.json(rows)}) as w (name text)
      on conflict (name) do nothing
    `;
  }

  async subscribe(subscription: Subscription): Promise<Consumer> {
    const { sql, problem } = this.#options;
    const beats = subscription.topics.includes(HEARTBEAT_TOPIC);
    const consumer = beats
      ? new BeatConsumer(subscription, problem)
      : new EmbeddedConsumer(subscription, { sql, log: this.#log, lease: this.#lease, problem });
    this.#consumers.set(subscription.group, consumer);
    if (this.#owner) await consumer.begin();
    return consumer;
  }

  /** Starts moving messages. Consumers subscribed before it miss nothing. */
  start(): void {
    this.#loop ??= this.#run();
  }

  /** Somebody has committed a row of the outbox. */
  lookNow(): void {
    if (!this.#owner) return;
    this.#pace.told();
    this.#woken = true;
    this.#pause.end();
  }

  handOver(rows: readonly AnnouncedRequest[], xid: string, behindOthers: boolean): HandOver {
    if (!this.#owner) return { committed: () => {}, abandoned: () => {} };
    return this.#queue.open(rows, xid, behindOthers || this.#readUntil !== null);
  }

  ownerEpoch(): number {
    return this.#lease.epoch;
  }

  offsets(group: string, topics: readonly string[]): Promise<readonly PartitionOffsets[]> {
    return this.#log.offsets(group, topics);
  }

  async owners(group: string, topics: readonly string[]): Promise<readonly PartitionOwner[]> {
    // What this process owns and does not consume, nobody does.
    if (this.#owner && !this.#consumers.has(group)) return [];
    const owner = await readOwner(this.#options.sql);
    return owner === null ? [] : topics.map((topic) => ({ topic, partition: 0, owner }));
  }

  waitingMs(places: readonly PartitionOffsets[]): Promise<number | null> {
    return this.#log.waitingMs(places);
  }

  async offsetsAt(
    topic: string,
    at: Date,
  ): Promise<readonly { readonly partition: number; readonly offset: number }[]> {
    return [{ partition: 0, offset: await this.#log.offsetAt(topic, at) }];
  }

  async moveIdle(group: string, topic: string, partition: number, offset: number, skip = false): Promise<void> {
    // An owner that has no consumer of the group: this process, and it moves what nobody else does.
    const own = this.#owner && !this.#consumers.has(group);
    // Locked: an owner that comes now must not read the offset as it was. One whose lease has run out may only be frozen:
    // its epoch ends, or it would go on from where it stood, and write that down over the offset.
    const moved = await this.#options.sql`
      with taken as (
        update timeline.topic_log_position
        set owner_epoch = owner_epoch + case when ${own} or owner is null then 0 else 1 end
        where id = 1 and (owner is null or owner_until < clock_timestamp()
          or (${own} and owner = ${this.#lease.owner} and owner_epoch = ${this.#lease.epoch}))
        returning id
      )
      insert into timeline.consumer_offset as o (consumer_group, topic, partition, "offset")
      select ${group}, ${topic}, ${partition}, ${skip ? offset : 0} from taken
      on conflict (consumer_group, topic, partition) do update set updated_at = clock_timestamp(),
        "offset" = case when ${skip} then ${offset} else least(${offset}, o."offset") end
      returning topic
    `;
    // A consumer that came meanwhile may have read the offset before; it is asked to go there itself.
    const met = own && this.#consumers.has(group);
    if (moved.length === 0 || met) throw new Error(`group ${group} has a running member`);
  }

  mark(): Promise<string> {
    return this.#log.newestTransaction();
  }

  passed(mark: string): Promise<boolean> {
    return this.#log.hasRead(mark);
  }

  get bounds(): readonly Bound[] {
    return this.#queue.bounds;
  }

  async health(): Promise<readonly PartHealth[]> {
    const [row] = await this.#options.sql<{ owner: string | null; alive: boolean }[]>`
      select owner, coalesce(owner_until > clock_timestamp(), false) as alive from timeline.topic_log_position where id = 1
    `;
    if (this.#owner) return [this.#part(true, "embedded, owned by this process")];
    if (row?.alive) return [this.#part(true, `embedded, standby of ${row.owner}`)];
    return [this.#part(false, "embedded, nobody owns it", "It is taken over within seconds; look again.")];
  }

  /** One that changes its owner again and again warns whoever owns it now. */
  #part(ok: boolean, state: string, advice?: string): PartHealth {
    const warning = this.#lease.changes.warning();
    const hint = warning?.hint ?? advice;
    const detail = warning === undefined ? state : `${state}; ${warning.detail}`;
    return { part: "transport", ok, detail, ...(hint === undefined ? {} : { hint }) };
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    for (const consumer of this.#consumers.values()) await consumer.stop();
    // What the last handlers wrote is placed by whoever owns the transport next.
    this.#stopped = true;
    this.#rouse();
    await this.#loop;
    if (this.#owner) await this.#giveBack();
    await this.#options.keeper.stop();
  }

  /** Nothing depends on it: the next owner waits for the lease to run out, and reads what it finds placed already. */
  async #giveBack(): Promise<void> {
    try {
      // The lease is let go of whatever became of the position, or it would be renewed for as long as the process lives.
      await this.#log.savePosition().finally(() => this.#lease.release());
    } catch (error) {
      this.#options.problem("the embedded transport could not be given back and runs out by itself", error);
    }
  }

  #rouse(): void {
    this.#woken = true;
    this.#pace.active();
    this.#pause.end();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      this.#woken = false;
      try {
        await (this.#owner ? this.#move() : this.#tryOwning());
      } catch (error) {
        if (error instanceof LeaseLost) this.#stepDown();
        else if (!this.#begun) this.#stepDown(error);
        else this.#options.problem("the embedded transport stumbled and tries again", error);
        this.#mistrust();
        await this.#pause.about(STANDBY_MS);
        continue;
      }
      if (!this.#woken && !this.#stopped) await this.#pause.about(this.#owner ? this.#pace.pollMs : STANDBY_MS);
    }
  }

  /** What left the queue and was not placed is in the table alone: no later row of its key may come from memory before it. */
  #mistrust(): void {
    if (!this.#owner) return;
    this.#unsure = true;
    this.#queue.clear();
    this.#readUntil = ALL_TRANSACTIONS;
  }

  /** A write whose end is not known may have been made: the table says where topics end now. */
  async #lookAgain(): Promise<void> {
    await this.#log.load();
    this.#queue.clear();
    this.#readUntil = BigInt(await this.#log.newestTransaction());
    for (const consumer of this.#consumers.values()) {
      if (this.#withdrawn) await consumer.begin();
      else consumer.fill();
    }
    this.#withdrawn = false;
    this.#unsure = false;
  }

  async #tryOwning(): Promise<void> {
    // Without consumers there is nothing to own: another process may have some.
    if (this.#consumers.size === 0) return;
    if (!(await this.#lease.acquire())) return this.#standBy();
    await this.#log.load();
    this.#savedAt = performance.now();
    // Until what was written before is read from the table, memory would overtake it; so all rows are read there.
    this.#readUntil = ALL_TRANSACTIONS;
    this.#unsure = false;
    this.#owner = true;
    this.#pace.begin();
    this.#readUntil = BigInt(await this.#log.newestTransaction());
    for (const consumer of this.#consumers.values()) await consumer.begin();
    this.#withdrawn = false;
    this.#begun = true;
    if (this.#isStandby) this.#options.changed?.("this process has taken over the embedded transport");
    this.#isStandby = false;
  }

  #standBy(): void {
    if (this.#isStandby) return;
    this.#isStandby = true;
    this.#options.changed?.("another process owns the embedded transport: this one is its standby");
  }

  /** Another process owns the transport, or taking it over failed half-way and is tried again from the start. */
  #stepDown(error?: unknown): void {
    if (error !== undefined)
      this.#options.problem("the embedded transport could not be taken over and is tried again", error);
    this.#owner = false;
    this.#begun = false;
    this.#lease.lose();
    this.#queue.clear();
    for (const consumer of this.#consumers.values()) consumer.end();
  }

  async #move(): Promise<void> {
    const now = performance.now();
    this.#lease.check();
    if (this.#unsure) await this.#lookAgain();
    await this.#placeOwn();
    if (this.#pace.due) await this.#lookAround();
    if (now - this.#savedAt >= SAVE_POSITION_MS) {
      this.#savedAt = now;
      await this.#log.savePosition();
      failpoint("relay", "after-offset");
    }
  }

  async #lookAround(): Promise<void> {
    this.#pace.looking();
    const { resting } = this.#lease;
    await this.#placeOthers();
    this.#pace.looked(resting);
  }

  async #placeOwn(): Promise<void> {
    for (let rows = this.#queue.take(READ_MAX); rows.length > 0; rows = this.#queue.take(READ_MAX)) {
      const places = rows.map((request) => ({ request, republishId: null, xid: request.xid }));
      await this.#place(places, true);
    }
  }

  async #placeOthers(): Promise<void> {
    for (let more = true; more; ) {
      this.#lease.check();
      const found = await this.#log.unread();
      const oldest = this.#onTheirWay(found);
      if (oldest !== undefined) return this.#advance(oldest);
      if (found.rows.length > 0) this.#pace.found(found.rows.every(({ beat }) => beat));
      this.#lease.idle = this.#pace.idle;
      if (found.rows.length > 0) {
        const own = found.rows.filter((row) => row.republish_id === null).map((row) => row.message_id);
        this.#queue.forget(new Set(own));
        for (let from = 0; from < found.rows.length; from += FETCH_MAX)
          await this.#place(await this.#log.fetch(found.rows.slice(from, from + FETCH_MAX)), false);
      }
      more = found.more;
      if (!more) {
        this.#advance(found.horizon);
        if (this.#readUntil !== null && BigInt(found.horizon) >= this.#readUntil) this.#readUntil = null;
        // The next look follows at once; own rows go between.
        if (!found.last) {
          this.#pace.lookOn();
          this.#woken = true;
        }
      }
    }
  }

  /** Every row before `horizon` lies in the topics now. */
  #advance(horizon: string): void {
    this.#log.advance(horizon);
    if (this.#queue.settled(BigInt(horizon))) this.#rouse();
  }

  /**
   * The oldest transaction of what was found, if all of it stands in the queue anyway; it will be placed from there.
   * With rows of others among it, all go the same way, or those of one saga might overtake each other.
   */
  #onTheirWay({ rows }: Found): string | undefined {
    const queued = rows.every((row) => row.republish_id === null && this.#queue.brings(row.message_id));
    return queued ? rows[0]?.xid : undefined;
  }

  async #place(rows: readonly Placed[], own: boolean): Promise<void> {
    failpoint("relay", "after-claim");
    const { deliveries, written } = this.#log.place(rows, own);
    // Consumers begin while the places are written, and wait for them before they commit: one round trip less a message.
    for (const consumer of this.#consumers.values()) {
      for (const delivery of deliveries) consumer.offerEarly(delivery);
    }
    try {
      await written;
    } catch (error) {
      this.#withdraw();
      throw error;
    }
    failpoint("relay", "after-commit");
    for (const consumer of this.#consumers.values()) {
      for (const delivery of deliveries) consumer.offer(delivery);
    }
  }

  /** Consumers have taken messages that have no place, or another one than they were told: they begin anew. */
  #withdraw(): void {
    this.#withdrawn = true;
    for (const consumer of this.#consumers.values()) consumer.end();
  }
}
