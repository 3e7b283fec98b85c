import { failpoint } from "../failpoint.ts";
import { Pause } from "../pause.ts";
import { isNoOutcome, type Tx, together } from "../timeline/database.ts";
import { newId } from "../timeline/ids.ts";
import { databaseNow, lockSagas, readSagas, type SagaRow } from "../timeline/saga-row.ts";
import { type Store, transact, type Unit } from "../timeline/store.ts";
import type { SagaChanges } from "./saga-changes.ts";
import type { Arrival, Transitions } from "./transitions.ts";

const BATCH_MAX = 200;
/** How often timers are looked for while sagas move, or while one is about to come due. */
const POLL_MS = 100;
/** How often on an idle engine: looking ten times a second cost it a third of its CPU. A transition ends the rest. */
const IDLE_MS = 1_000;

/** Messages that a group has in hand while more timers wait for it to take them up. */
const IN_HAND_MAX = BATCH_MAX;
/** How often that is looked at, and for how long: a group that is slow must not hold the timers of all sagas back. */
const LOOK_AGAIN_MS = 5;
const HELD_BACK_MS = 500;

/** How long the timers of a saga rest whose transition could not be written. */
const SET_ASIDE_MS = 60_000;

/** Consumer group → messages. */
type InHand = ReadonlyMap<string, number>;

interface DueRow {
  saga_id: string;
  name: string;
  due_at: Date;
}

/**
 * Fires due timers by the database's clock. It reads without locking, takes the sagas' locks, then deletes those still
 * due and applies them (design S12); taking the rows first would deadlock with the dispatcher (reliability R6).
 */
export class Timers {
  readonly #store: Store;
  readonly #transitions: Transitions;
  readonly #changes: SagaChanges;
  readonly #problem: (error: unknown) => void;
  readonly #setAside = new Map<string, number>();
  readonly #pause = new Pause();
  #stopped = false;
  /** A transition of this process may have set a timer since the last look. */
  #moved = false;
  #loop: Promise<void> | undefined;
  #wakeIdle: (() => void) | undefined;

  constructor(store: Store, transitions: Transitions, changes: SagaChanges, problem: (error: unknown) => void) {
    this.#store = { ...store, loop: "timer" };
    this.#transitions = transitions;
    this.#changes = changes;
    this.#problem = problem;
  }

  /**
   * `active`: only then timers fire; another process does it otherwise. `inHand`: by consumer group, what this process has
   * taken in and not done of what timers set in motion.
   */
  start(active: () => boolean, inHand: () => InHand): void {
    this.#loop = this.#run(active, inHand);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#pause.end();
    await this.#loop;
  }

  async #run(active: () => boolean, inHand: () => InHand): Promise<void> {
    this.#changes.watch(() => {
      this.#moved = true;
      this.#wakeIdle?.();
    });
    while (!this.#stopped) {
      let restMs = POLL_MS;
      this.#moved = false;
      try {
        if (active()) restMs = await this.#look(inHand);
      } catch (error) {
        if (!isNoOutcome(error)) this.#problem(error);
      }
      await this.#rest(restMs);
    }
  }

  /** Fires what is due; returns how long nothing can come due but what is set from now on. */
  async #look(inHand: () => InHand): Promise<number> {
    const [row] = await this.#store.sql<{ due_in_ms: number | null }[]>`
      select extract(epoch from min(due_at) - clock_timestamp())::float8 * 1000 as due_in_ms from timeline.timer
    `;
    const dueInMs = row?.due_in_ms ?? IDLE_MS;
    if (dueInMs > 0) return Math.min(Math.max(dueInMs, POLL_MS), IDLE_MS);
    const before = inHand();
    if ((await this.fire()) < BATCH_MAX) return POLL_MS;
    await this.#untilTaken(inHand, before);
    return 0;
  }

  /**
   * What a full batch has set in motion is taken up first: thousands due at once would stand before every other saga. What a
   * group had in hand before is not waited for: it may be stuck.
   */
  async #untilTaken(inHand: () => InHand, before: InHand): Promise<void> {
    const until = performance.now() + HELD_BACK_MS;
    const isMore = () => [...inHand()].some(([group, now]) => now >= IN_HAND_MAX && now > (before.get(group) ?? 0));
    do await this.#pause.exactly(LOOK_AGAIN_MS);
    while (!this.#stopped && isMore() && performance.now() < until);
  }

  /** A transition ends a long rest, but not the first part of it: under load every batch of messages is one. */
  async #rest(ms: number): Promise<void> {
    if (ms === 0 || this.#stopped) return;
    await this.#pause.exactly(Math.min(ms, POLL_MS));
    if (ms <= POLL_MS || this.#moved || this.#stopped) return;
    this.#wakeIdle = () => this.#pause.end();
    await (ms < IDLE_MS ? this.#pause.exactly(ms - POLL_MS) : this.#pause.about(ms - POLL_MS));
    this.#wakeIdle = undefined;
  }

  /** Fires one batch of due timers; returns how many were due. */
  async fire(): Promise<number> {
    const { sql } = this.#store;
    const now = performance.now();
    const resting = [...this.#setAside].filter(([, until]) => until > now).map(([sagaId]) => sagaId);
    const due = await sql<DueRow[]>`
      select t.saga_id, t.name, t.due_at
      from timeline.timer t
      cross join lateral (
        select q.id from timeline.saga q where q.id = t.saga_id and q.unapplied = 0 offset 0
      ) s
      where t.due_at <= clock_timestamp() and t.saga_id <> all (${sql.array(resting)}::text[])
      order by t.due_at limit ${BATCH_MAX}
    `;
    if (due.length > 0) await this.#fireTogether(due);
    return due.length;
  }

  /** In one transaction; a saga whose transition cannot be written is found and set aside, the others go on. */
  async #fireTogether(due: readonly DueRow[]): Promise<void> {
    const sagaIds = [...new Set(due.map((timer) => timer.saga_id))];
    try {
      this.#changes.settled(await transact(this.#store, (unit) => this.#apply(unit, due)));
      for (const sagaId of sagaIds) this.#setAside.delete(sagaId);
    } catch (error) {
      if (isNoOutcome(error)) throw error;
      if (sagaIds.length > 1) {
        for (const sagaId of sagaIds) await this.#fireTogether(due.filter((timer) => timer.saga_id === sagaId));
        return;
      }
      this.#setAside.set(sagaIds[0] as string, performance.now() + SET_ASIDE_MS);
      this.#problem(error);
    }
  }

  async #apply(unit: Unit, due: readonly DueRow[]): Promise<readonly string[]> {
    const { tx } = unit;
    const sagaIds = [...new Set(due.map((timer) => timer.saga_id))];
    const [, paused, taken, sagas, now] = await together([
      lockSagas(tx, sagaIds),
      dispatcherPaused(tx),
      takeDue(tx, due),
      readSagas(tx, sagaIds),
      databaseNow(tx),
    ]);
    if (paused) throw new DispatcherPaused();
    failpoint("timer", "after-claim");
    const arrivals = taken.map((timer) => arrivalOf(unit, timer, sagas.get(timer.saga_id)));
    const { settled } = await this.#transitions.apply(unit, sagas, arrivals, now);
    failpoint("timer", "after-effect");
    return settled;
  }
}

/** Rolls the firing back: timers do not fire while the dispatcher is paused. */
class DispatcherPaused extends Error {
  /** SQLSTATE class 57 (operator intervention): no outcome. */
  readonly code = "57000";
}

/** Whether the dispatcher is paused. A pause waits until this transaction has ended, and those that come behind it wait for it. */
export async function dispatcherPaused(tx: Tx): Promise<boolean> {
  const [row] = await tx<{ paused: boolean }[]>`select timeline.dispatcher_paused() as paused`;
  return row?.paused ?? false;
}

/**
 * Takes the timers that are still due. Awaited here: a statement with a `then` of its own is sent at once, before the locks
 * of the sagas that stand before it in the list of what is sent together.
 */
async function takeDue(tx: Tx, due: readonly DueRow[]): Promise<readonly DueRow[]> {
  const rows = due.map(({ saga_id, name }) => ({ saga_id, name }));
  return await tx<DueRow[]>`
    delete from timeline.timer t
    using jsonb_to_recordset(${tx.json(rows)}) as w (saga_id text, name text), timeline.saga s
    where t.saga_id = w.saga_id and t.name = w.name and t.due_at <= clock_timestamp()
      and s.id = t.saga_id and s.unapplied = 0
    returning t.saga_id, t.name, t.due_at
  `;
}

function arrivalOf(unit: Unit, timer: DueRow, saga: SagaRow | undefined): Arrival {
  const messageId = newId();
  const body = { timer: timer.name, dueAt: timer.due_at.toISOString() };
  const request = {
    messageId,
    correlationId: timer.saga_id,
    causationId: null,
    topic: "timeline",
    messageType: "timer.fired",
    saga: saga?.definition ?? null,
    stepKey: null,
    action: null,
    attempt: null,
    traceparent: saga?.traceparent ?? null,
    messageHeaders: null,
    messageBody: body,
  };
  unit.request(request);
  return {
    row: {
      message_id: messageId,
      correlation_id: timer.saga_id,
      topic: "timeline",
      message_key: timer.saga_id,
      message_type: "timer.fired",
      saga: request.saga,
      step_key: null,
      attempt: null,
      traceparent: request.traceparent,
      message_body: body,
    },
  };
}
