import type { Projection, TimelineEvent } from "../sdk.ts";
import { failpoint } from "../failpoint.ts";
import { isNoOutcome, type Tx } from "../timeline/database.ts";
import { fenced } from "../timeline/fenced.ts";
import { mayStillAppear } from "../timeline/may-still-appear.ts";
import { claimMessage, foreignMessage } from "../transport/foreign.ts";
import type { Delivery, Subscription, Verdict } from "../transport/port.ts";
import { failureOf } from "./call.ts";
import { type GuardedTx, guardTx, unawaited } from "../timeline/guarded-tx.ts";
import type { Store } from "../timeline/store.ts";

/** Longest statement of a projection, milliseconds: emptying a large read model takes its time. */
const STATEMENT_MS = 600_000;

/** An event as `timeline.claim_projection_batch` hands it out. */
type ClaimedEvent = Omit<TimelineEvent, "at"> & { readonly at: string };

interface ClaimRow {
  readonly ordinal: number;
  readonly verdict: "run" | "skip" | "foreign";
  readonly event: ClaimedEvent | null;
}

/** What of an event its claim needs. */
type Claimable = Pick<TimelineEvent, "messageId" | "sagaId" | "at">;

/** What is left at the end of a rebuild: what the shadow holds and is not done, and what it does not hold. */
interface Rest {
  claims(): AsyncIterable<readonly Claimable[]>;
  events(): AsyncIterable<readonly TimelineEvent[]>;
}

/** Keeps one projection: a consumer group of its own, exactly once through the inbox. */
export class Projector {
  readonly group: string;
  readonly #projection: Projection;
  readonly #store: Pick<Store, "sql" | "ownerEpoch">;
  readonly #consumer: string;
  readonly #wanted: ReadonlySet<string>;

  constructor(group: string, projection: Projection, store: Pick<Store, "sql" | "ownerEpoch">, consumer: string) {
    this.group = group;
    this.#projection = projection;
    this.#store = store;
    this.#consumer = consumer;
    this.#wanted = new Set(projection.on);
  }

  subscription(): Subscription {
    return {
      group: this.group,
      topics: ["timeline"],
      lanes: 1,
      singles: 1,
      batchMax: 128,
      handle: (batch, alone) => this.handle(batch, alone),
    };
  }

  async handle(batch: readonly Delivery[], alone: boolean): Promise<readonly Verdict[]> {
    const wanted = batch.filter((delivery) => this.#wants(delivery));
    try {
      const early = wanted.length > 0 ? await this.apply(wanted) : new Set();
      return batch.map((delivery) => (early.has(delivery) ? "later" : "done"));
    } catch (error) {
      if (isNoOutcome(error)) throw error;
      if (!alone) return batch.map((delivery) => (this.#wants(delivery) ? "alone" : "done"));
      await this.#recordFailure(batch[0] as Delivery, error);
      return ["done"];
    }
  }

  /** Events of other types need no row; a message without a type is not ours and is recorded. */
  #wants(delivery: Delivery): boolean {
    const type = delivery.headers["type"] ?? null;
    return type === null || this.#wanted.has(type);
  }

  /**
   * Claims the events and applies those that are new, in one transaction of the domain's own role. Returns those that
   * cannot be seen yet.
   */
  async apply(deliveries: readonly Delivery[]): Promise<ReadonlySet<Delivery>> {
    const early = new Set<Delivery>();
    await this.#begin(async (tx) => {
      const messages = deliveries.map((delivery) => claimMessage(delivery, this.#consumer));
      const claims = await tx<ClaimRow[]>`
        select ordinal, verdict, event from timeline.claim_projection_batch(${this.group}, ${tx.json(messages)})
      `;
      failpoint("projection", "after-claim");
      const guarded = this.#guard(tx);
      for (const { ordinal, verdict, event } of claims) {
        const delivery = deliveries[ordinal] as Delivery;
        if (verdict === "foreign" && mayStillAppear(delivery)) early.add(delivery);
        else if (verdict === "foreign") {
          const message = tx.json(foreignMessage(delivery, this.#consumer) as never);
          await tx`select timeline.record_foreign(${this.group}, ${message}, 'the event store has no such event')`;
        } else if (verdict === "run" && event !== null && this.#wanted.has(event.type)) {
          await this.#projection.apply(guarded.tx, { ...event, at: new Date(event.at) }, this.table ?? "");
        }
      }
      this.#finish(guarded);
      failpoint("projection", "after-effect");
    });
    failpoint("projection", "after-commit");
    return early;
  }

  /** The table that it keeps, with its schema; null: it does not say. */
  get table(): string | null {
    const { table } = this.#projection;
    return table === undefined ? null : `${this.group.split(".")[0]}.${table}`;
  }

  /** Applies events to a table of the same form, in one transaction of the domain's own role. */
  async applyTo(table: string, events: readonly TimelineEvent[]): Promise<void> {
    await this.#begin((tx) => this.#applyAll(tx, table, events));
  }

  /** Lets a shadow, or what is built anew in place, take the place of the read model's rows with one commit. */
  async replace(shadow: string | null, { claims, events }: Rest): Promise<void> {
    await this.#begin(async (tx) => {
      // Waits for the batches in progress; those that come wait for this transaction.
      await tx`select pg_advisory_xact_lock(5, hashtext(${this.group}))`;
      if (shadow === null) await this.#empty(tx);
      for await (const batch of claims()) await this.#claim(tx, batch);
      for await (const batch of events()) {
        await this.#applyAll(tx, shadow ?? this.table ?? "", batch);
        await this.#claim(tx, batch);
      }
      const table = this.table;
      if (shadow === null || table === null) return;
      const { tx: long } = guardTx(tx, STATEMENT_MS);
      await long`delete from ${long(table)}`;
      await long`insert into ${long(table)} select s.* from ${long(shadow)} s`;
    });
  }

  async #applyAll(tx: Tx, table: string, events: readonly TimelineEvent[]): Promise<void> {
    const guarded = this.#guard(tx);
    for (const event of events) await this.#projection.apply(guarded.tx, event, table);
    this.#finish(guarded);
  }

  /** What the projection itself may do with it. */
  #guard(tx: Tx): GuardedTx {
    return guardTx(tx, STATEMENT_MS, { of: this.#name });
  }

  get #name(): string {
    return `the projection ${this.group}`;
  }

  /** @throws TransactionMisuseError when it has left a statement behind */
  #finish(guarded: GuardedTx): void {
    const left = guarded.leftBehind();
    guarded.revoke("the projection has returned");
    if (left !== undefined && left.kind !== "unread") throw unawaited(this.#name, left);
  }

  async #empty(tx: Tx): Promise<void> {
    const guarded = this.#guard(tx);
    await this.#projection.rebuild?.(guarded.tx);
    this.#finish(guarded);
  }

  /** Claims what was read from the event store. An empty batch too: the server ends a transaction that is idle for long. */
  async #claim(tx: Tx, events: readonly Claimable[]): Promise<void> {
    const messages = events.map((event) => ({
      topic: "timeline",
      key: event.sagaId,
      partition: -1,
      offset: -1,
      timestamp: event.at.getTime(),
      receivedAt: new Date().toISOString(),
      consumer: this.#consumer,
      headers: { id: event.messageId },
    }));
    await tx`select ordinal from timeline.claim_projection_batch(${this.group}, ${tx.json(messages)})`;
  }

  get eventTypes(): readonly string[] {
    return this.#projection.on;
  }

  async #recordFailure(delivery: Delivery, error: unknown): Promise<void> {
    const { code, message, stack } = failureOf(error) as { code: string; message: string; stack?: string };
    await this.#begin(async (tx) => {
      const place = tx.json(claimMessage(delivery, this.#consumer) as never);
      await tx`select timeline.fail_consumption(${this.group}, ${place}, ${code}, ${message}, ${stack ?? null})`;
    });
  }

  /** One READ COMMITTED transaction that only the owner of the transport writes. */
  async #begin(work: (tx: Tx) => Promise<void>): Promise<void> {
    const epoch = this.#store.ownerEpoch?.() ?? null;
    await this.#store.sql.begin("isolation level read committed", (tx) => fenced(tx, epoch, () => work(tx)));
  }
}
