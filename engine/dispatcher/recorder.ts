import type { Bound } from "../core/bound.ts";
import type { Json } from "../core/json.ts";
import { Refusal } from "../core/refusal.ts";
import { isFinal, type SagaStatus } from "../core/state.ts";
import { failpoint } from "../failpoint.ts";
import { errorCode, together } from "../timeline/database.ts";
import { KeyQueues } from "./key-queues.ts";
import { Grouped } from "../timeline/grouped.ts";
import { newId } from "../timeline/ids.ts";
import { databaseNow, lockSagas, readSagas, readStatuses, type SagaRow } from "../timeline/saga-row.ts";
import type { NewSaga } from "../timeline/start-write.ts";
import { type Store, transact, type Unit } from "../timeline/store.ts";
import type { SagaChanges } from "./saga-changes.ts";
import { dispatcherPaused } from "./timers.ts";
import type { Applied, Arrival, Transitions } from "./transitions.ts";

/** Longest wait for a saga's lock on behalf of a caller, milliseconds. */
const LOCK_WAIT_MS = 5_000;

const CALLS = 4;
/** Calls that wait for a transaction; one more is answered 503. */
const CALLS_WAITING_MAX = 2_000;

/** A request that an API call records, and applies in the same transaction if nothing stands in the way. */
export interface Recorded {
  readonly sagaId: string;
  readonly messageId: string;
  readonly status: string;
  readonly applied: boolean;
  readonly effect: Applied["effect"] | null;
}

/** Who asks, under which key, and with which trace. */
export interface Asker {
  readonly actor: string;
  readonly idempotencyKey?: string;
  readonly traceparent?: string;
}

/** What a caller is told: design §8. */
export type Answer = Pick<Recorded, "sagaId" | "status" | "messageId" | "applied"> & {
  /** An earlier call under the same Idempotency-Key had recorded it. */
  readonly replayed?: boolean;
};

/** A request to a saga that is locked, as it is recorded. */
export interface Asked {
  readonly saga: SagaRow;
  readonly messageType: string;
  readonly body: Json;
  readonly asking: Asking;
  readonly messageId: string;
}

/** Who asks, as it is recorded. */
export interface Asking {
  readonly traceparent: string | null;
  /** The message that the request is about. */
  readonly causationId?: string;
}

/**
 * Records requests to a saga (signal, cancel, retry, …) and applies their transition in the very transaction, so that
 * the caller gets a definite answer. While the dispatcher is paused, or an earlier request of the saga is not applied
 * yet, it only records; the delivery applies it, in timeline order (design §3).
 */
export class Recorder {
  readonly #store: Store;
  readonly #transitions: Transitions;
  readonly #changes: SagaChanges;
  /** Calls for one saga go one after the other: those that wait for its lock would keep others from theirs. */
  readonly #queues = new KeyQueues(LOCK_WAIT_MS, sagaBusy);
  /** Calls for one saga each. Not more at once, or those that wait for a lock would take every connection. */
  readonly #calls = new Grouped<() => Promise<unknown>, unknown>({
    name: "ekiden_saga_calls_waiting",
    help: "Cancels, retries and the like, and signals of sagas that move just now, that wait for a transaction.",
    run: async ([call]) => [{ value: await call?.() }],
    parallel: CALLS,
    max: 1,
    waitingMax: CALLS_WAITING_MAX,
    full: (waiting) => new Refusal("engine.busy", `${waiting} calls wait already`, "Send it again after Retry-After."),
  });

  constructor(store: Store, transitions: Transitions, changes: SagaChanges) {
    this.#store = store;
    this.#transitions = transitions;
    this.#changes = changes;
  }

  /**
   * Runs `work` under the saga's lock.
   * @throws Refusal `saga.busy` after 5 s of waiting, `saga.unknown`, `saga.final`, `message.too-large`, `engine.busy`.
   */
  async under<T>(sagaId: string, work: (unit: Unit, saga: SagaRow) => Promise<T>): Promise<T> {
    const leave = await this.enter(sagaId);
    try {
      return await this.locked(sagaId, work);
    } finally {
      leave();
    }
  }

  /** As `under`, by whoever has entered the saga already. */
  async locked<T>(sagaId: string, work: (unit: Unit, saga: SagaRow) => Promise<T>): Promise<T> {
    return (await this.#calls.do(() =>
      this.transact("call", async (unit) => {
        await lockSagas(unit.tx, [sagaId]);
        const saga = (await readSagas(unit.tx, [sagaId])).get(sagaId);
        if (saga === undefined) throw unknownSaga(sagaId);
        failpoint("call", "after-claim");
        const result = await work(unit, saga);
        failpoint("call", "after-effect");
        return result;
      }),
    )) as T;
  }

  /**
   * Resolves when no other call of this process is at the saga, with what ends this one's turn.
   * @throws Refusal `saga.busy` after 5 s of waiting.
   */
  async enter(sagaId: string): Promise<() => void> {
    const leave = await this.#queues.enter(sagaId);
    return () => {
      leave();
      this.#changes.moved(sagaId);
    };
  }

  get bounds(): readonly Bound[] {
    return [this.#calls.bound, ...this.#transitions.known.bounds];
  }

  /** One transaction whose lock waits are bounded and whose refusals by the database are put in words. */
  async transact<T>(loop: "start" | "call", work: (unit: Unit) => Promise<T>): Promise<T> {
    try {
      return await transact({ ...this.#store, loop }, async (unit) => {
        // Sent first and not waited for: what follows runs behind it.
        const bounded = unit.tx`select set_config('lock_timeout', ${String(LOCK_WAIT_MS)}, true)`.execute();
        const [, result] = await together([bounded, work(unit)]);
        return result;
      });
    } catch (error) {
      throw refusalOf(error);
    }
  }

  /** Records one request to a saga that is not final, and applies it when it may be. */
  async record(
    unit: Unit,
    saga: SagaRow,
    messageType: string,
    body: Json,
    asking: Asking,
    messageId = newId(),
  ): Promise<Recorded> {
    if (isFinal(saga.status as SagaStatus) && !isStuck(saga, messageType)) throw finalSaga(saga);
    const [paused, now] = await together([dispatcherPaused(unit.tx), databaseNow(unit.tx)]);
    const asked = { saga, messageType, body, asking, messageId };
    const [recorded] = await this.recordTogether(unit, [asked], paused, now);
    return recorded as Recorded;
  }

  /** As `record`, of requests to several sagas, one each, none of which is final. `now`: the database's time under their locks. */
  async recordTogether(unit: Unit, asked: readonly Asked[], paused: boolean, now: Date): Promise<readonly Recorded[]> {
    const isWaiting = ({ saga }: Asked) => paused || saga.unapplied > 0;
    const waiting = asked.filter(isWaiting).map(({ saga }) => saga.id);
    const arrivals = asked.map((one) =>
      this.arrival(unit, one.saga, one.messageType, one.body, one.asking, one.messageId, isWaiting(one)),
    );
    if (waiting.length > 0) {
      // Another process may have recorded one just now, which leaves no mark on the saga's `writer`.
      unit.behindOthers();
      await unit.tx`update timeline.saga set unapplied = unapplied + 1 where id = any (${unit.tx.array(waiting)}::text[])`;
      unit.committed(() => {
        for (const sagaId of waiting) this.#transitions.known.forget(sagaId);
      });
    }
    const sagas = new Map(asked.filter((one) => !isWaiting(one)).map(({ saga }) => [saga.id, saga]));
    const { applied } = await this.#transitions.apply(
      unit,
      sagas,
      arrivals.filter(({ row }) => sagas.has(row.correlation_id)),
      now,
    );
    const effects = new Map(applied.map(({ messageId, effect }) => [messageId, effect]));
    const statuses = await readStatuses(unit.tx, [...sagas.keys()]);
    return asked.map(({ saga, messageId }) => ({
      sagaId: saga.id,
      messageId,
      status: statuses.get(saga.id) ?? saga.status,
      applied: sagas.has(saga.id),
      effect: effects.get(messageId) ?? null,
    }));
  }

  /** Applies the first events of new sagas and writes their rows with them. Those that end with it are told when it is committed. */
  async applyFirst(
    unit: Unit,
    sagas: ReadonlyMap<string, SagaRow>,
    arrivals: readonly Arrival[],
    now: Date,
    born: ReadonlyMap<string, NewSaga>,
  ): Promise<void> {
    const { settled } = await this.#transitions.apply(unit, sagas, arrivals, now, born);
    if (settled.length > 0) unit.committed(() => this.#changes.settled(settled));
  }

  /** Adds the request to the unit and returns it as an arrival. */
  arrival(
    unit: Unit,
    saga: SagaRow,
    messageType: string,
    body: Json,
    asking: Asking,
    messageId: string,
    waits: boolean,
  ): Arrival {
    const traceparent = asking.traceparent ?? saga.traceparent;
    unit.request({
      messageId,
      correlationId: saga.id,
      causationId: asking.causationId ?? null,
      topic: "timeline",
      messageType,
      saga: saga.definition,
      stepKey: null,
      action: null,
      attempt: null,
      traceparent,
      messageHeaders: waits ? { applied: false } : null,
      messageBody: body,
    });
    return {
      row: {
        message_id: messageId,
        correlation_id: saga.id,
        topic: "timeline",
        message_key: saga.id,
        message_type: messageType,
        saga: saga.definition,
        step_key: null,
        attempt: null,
        traceparent,
        message_body: body,
      },
    };
  }

  /**
   * Whether what is written for the saga must wait in the outbox for what another process wrote for it (reliability R13b):
   * where this process owns the transport and hands its own rows over in memory.
   */
  isBehindOthers({ writer }: SagaRow): boolean {
    return (this.#store.handsOver?.() ?? false) && writer !== null && writer !== this.writer;
  }

  /** This engine process, as a saga's last writer. */
  get writer(): string {
    return this.#transitions.writer;
  }
}

/** The refusal for a saga that does not exist. */
export function unknownSaga(sagaId: string): Refusal {
  return new Refusal(
    "saga.unknown",
    `there is no saga ${sagaId}`,
    "Look it up by its business key: GET /v1/sagas?key=…",
  );
}

/** The refusal for a saga that has ended. */
export function finalSaga(saga: SagaRow): Refusal {
  return new Refusal(
    "saga.final",
    `saga ${saga.id} is ${saga.status}`,
    "A final status is never left; start a new saga.",
  );
}

function sagaBusy(): Refusal {
  const hint = "Try again; a transition of this saga takes long.";
  return new Refusal("saga.busy", "the saga's lock was not free within 5 s", hint);
}

function refusalOf(error: unknown): unknown {
  if (errorCode(error) === "55P03") return sagaBusy();
  const constraint =
    typeof error === "object" && error !== null && "constraint_name" in error ? String(error.constraint_name) : "";
  if (constraint.endsWith("message_body_check")) {
    return new Refusal(
      "message.too-large",
      "the message would be larger than 256 KiB",
      "Keep large content elsewhere and send its address.",
    );
  }
  return error;
}

const VERBS: readonly string[] = ["retry.requested", "skip.requested", "resolve.requested", "terminate.requested"];

/** A completed child that its parent takes back keeps its status; where that is stuck, a person may help it on. */
function isStuck({ state }: SagaRow, messageType: string): boolean {
  return VERBS.includes(messageType) && state?.reversal === "running" && state.parked !== undefined;
}
