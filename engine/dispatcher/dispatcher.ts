import { SEMANTICS } from "../core/semantics.ts";
import { failpoint } from "../failpoint.ts";
import { consumptionWrites, placeWrites } from "../timeline/consumption-write.ts";
import { errorCode, isNoOutcome, type Tx } from "../timeline/database.ts";
import { isUlid } from "../timeline/ids.ts";
import { mayStillAppear } from "../timeline/may-still-appear.ts";
import { lockSagas, openEvents, type StoredEvent } from "../timeline/saga-row.ts";
import { type OpenedResult, type Store, transact, transactOpening, type Unit } from "../timeline/store.ts";
import { foreignMessage } from "../transport/foreign.ts";
import { type Delivery, placed, type Subscription, type Verdict } from "../transport/port.ts";
import type { ChildBirths } from "./births.ts";
import { isApplied, ownEvents } from "./own-events.ts";
import type { SagaChanges } from "./saga-changes.ts";
import type { Arrival, Transitions } from "./transitions.ts";

const LANES = 2;
const BATCH_MAX = 128;

/** The orchestrator's consumer: takes timeline events in, in batches of one transaction each, and lets sagas decide. */
export class Dispatcher {
  readonly #store: Store;
  readonly #transitions: Transitions;
  readonly #births: ChildBirths;
  readonly #changes: SagaChanges;
  readonly #consumer: string;
  readonly #problem: (error: unknown, delivery: Delivery) => void;

  constructor(
    store: Store,
    transitions: Transitions,
    births: ChildBirths,
    changes: SagaChanges,
    consumer: string,
    problem: (error: unknown, delivery: Delivery) => void,
  ) {
    this.#store = { ...store, loop: "dispatcher" };
    this.#transitions = transitions;
    this.#births = births;
    this.#changes = changes;
    this.#consumer = consumer;
    this.#problem = problem;
  }

  subscription(): Subscription {
    return {
      group: "dispatcher",
      topics: ["timeline"],
      lanes: LANES,
      singles: 2,
      batchMax: BATCH_MAX,
      awaitsPlaces: true,
      knowsOwn: true,
      mayRest: isApplied,
      handle: (batch, alone) => this.handle(batch, alone),
    };
  }

  /** One batch, one transaction. What fails for a reason of its own is set aside and recorded; the others go on. */
  async handle(batch: readonly Delivery[], alone: boolean): Promise<readonly Verdict[]> {
    try {
      const { settled, early } = await transactOpening(this.#store, (unit, epoch) =>
        this.#dispatch(unit, epoch, batch),
      );
      this.#changes.settled(settled);
      return batch.map((delivery) => (early.has(delivery) ? "later" : "done"));
    } catch (error) {
      if (isNoOutcome(error)) throw error;
      if (!alone) return batch.map(() => "alone");
      this.#problem(error, batch[0] as Delivery);
      await this.#recordFailure(batch[0] as Delivery, error);
      return ["done"];
    }
  }

  async #dispatch(
    unit: Unit,
    epoch: number | null,
    batch: readonly Delivery[],
  ): Promise<OpenedResult<{ readonly settled: readonly string[]; readonly early: ReadonlySet<Delivery> }>> {
    const { tx } = unit;
    const sagaIds = [...new Set(batch.map((delivery) => delivery.key ?? "").filter(isUlid))];
    const own = ownEvents(batch);
    const messageIds = [...new Set(batch.map(idOf).filter((id) => isUlid(id) && !own.has(id)))];
    const knowledge = { sagas: this.#transitions.known.of(sagaIds), writer: this.#transitions.writer };
    const { events: read, sagas, now, xid } = await openEvents(tx, epoch, sagaIds, messageIds, knowledge);
    await placed(batch);
    failpoint("dispatcher", "after-claim");
    const { arrivals, known, foreign, early } = sort(batch, own.size === 0 ? read : new Map([...read, ...own]));
    for (const delivery of foreign) await recordForeign(tx, delivery, this.#consumer);
    unit.send(placeWrites(tx, known));
    const { rows, born } = await this.#births.of(unit, arrivals, sagas, now, this.#transitions.writer);
    const all = rows.size === 0 ? sagas : new Map([...sagas, ...rows]);
    const { settled } = await this.#transitions.apply(unit, all, arrivals, now, born);
    failpoint("dispatcher", "after-effect");
    return { xid, value: { settled, early } };
  }

  async #recordFailure(delivery: Delivery, error: unknown): Promise<void> {
    await placed([delivery]);
    const messageId = idOf(delivery);
    const message = error instanceof Error ? error.message : String(error);
    await transact(this.#store, async (unit) => {
      const { tx } = unit;
      const sagaId = delivery.key ?? "";
      await lockSagas(tx, isUlid(sagaId) ? [sagaId] : []);
      const row = {
        messageId,
        correlationId: sagaId,
        messageKey: sagaId,
        delivery,
        consumer: this.#consumer,
        sequence: null,
        status: null,
        semantics: SEMANTICS,
        read: null,
        error: { code: errorCode(error) ?? "dispatcher.failed", message },
      };
      unit.send(consumptionWrites(tx, [row]));
    });
  }
}

function idOf(delivery: Delivery): string {
  return delivery.headers["id"] ?? "";
}

/** Splits a batch: to apply, done already (its place may be missing), not of this engine, and not to be seen yet. */
function sort(batch: readonly Delivery[], events: ReadonlyMap<string, StoredEvent>) {
  const arrivals: Arrival[] = [];
  const known: { messageId: string; delivery: Delivery }[] = [];
  const foreign: Delivery[] = [];
  const early = new Set<Delivery>();
  const seen = new Set<string>();
  for (const delivery of batch) {
    const row = events.get(idOf(delivery));
    if (row === undefined && mayStillAppear(delivery)) early.add(delivery);
    else if (row === undefined || row.topic !== delivery.topic || row.correlation_id !== delivery.key)
      foreign.push(delivery);
    else if (row.done) known.push({ messageId: row.message_id, delivery });
    // The connector repeats messages after a crash, also within one batch (reliability R8).
    else if (!seen.has(row.message_id)) {
      seen.add(row.message_id);
      arrivals.push({ row, delivery, counted: row.counted });
    }
  }
  return { arrivals, known, foreign, early };
}

async function recordForeign(tx: Tx, delivery: Delivery, consumer: string): Promise<void> {
  const reason = "the event store has no such request for this saga";
  await tx`select timeline.record_foreign('dispatcher', ${tx.json(foreignMessage(delivery, consumer) as never)}, ${reason})`;
}
