import type { Bound } from "./core/bound.ts";
import { Refusal } from "./core/refusal.ts";
import { isFinal, type SagaStatus } from "./core/state.ts";
import type { SagaChanges } from "./dispatcher/saga-changes.ts";
import type { Sql } from "./timeline/database.ts";
import { Grouped } from "./timeline/grouped.ts";

/** Another process may move the saga: it is looked at this often at least, milliseconds. */
const LOOK_EVERY_MS = 250;
/** Where another process moves sagas ends are found by looking: so often at first, ever less often as it takes long. */
const FIRST_LOOKS_MS = 20;
const LOOKS_SHARE = 4;
/** Callers that wait; one more is answered 503. */
const WAITERS_MAX = 5_000;
const LOOK_MAX = 1_000;

/** Lets callers wait until a saga is final or parked; they share their looks at the database. */
export class Settling {
  readonly #changes: SagaChanges;
  readonly #isTold: () => boolean;
  readonly #draining: AbortSignal;
  readonly #looks: Grouped<string, SagaStatus | undefined>;
  #waiters = 0;
  #refused = 0;

  /**
   * `isTold`: all sagas are moved in this process now, so that `changes` tells of nearly all ends. `draining`: nobody is to
   * wait any more.
   */
  constructor(
    sql: Sql,
    changes: SagaChanges,
    { isTold, draining }: { readonly isTold: () => boolean; readonly draining: AbortSignal },
  ) {
    this.#changes = changes;
    this.#isTold = isTold;
    this.#draining = draining;
    this.#looks = new Grouped({
      name: "ekiden_looks_waiting",
      help: "Looks for the end of a saga that wait for a query.",
      run: async (sagaIds) => {
        const rows = await sql<{ id: string; status: SagaStatus }[]>`
          select id, status from timeline.saga where id = any (${sql.array([...sagaIds])}::text[])
        `;
        const found = new Map(rows.map(({ id, status }) => [id, status]));
        return sagaIds.map((id) => ({ value: found.get(id) }));
      },
      parallel: 2,
      max: LOOK_MAX,
      waitingMax: WAITERS_MAX,
      full: tooMany,
    });
  }

  get bounds(): readonly Bound[] {
    return [
      {
        name: "ekiden_waiters",
        help: "Callers that wait for the end of a saga.",
        limit: WAITERS_MAX,
        now: () => this.#waiters,
        hits: () => this.#refused,
      },
      this.#looks.bound,
    ];
  }

  /**
   * Resolves when the saga is final or parked, when `timeoutMs` has passed, or when aborted. `isNew`: it was started a moment
   * ago by this process, which would know if it had ended already.
   * @throws Refusal `engine.busy`
   */
  async settled(sagaId: string, timeoutMs: number, signal: AbortSignal, isNew = false): Promise<void> {
    if (this.#waiters >= WAITERS_MAX) {
      this.#refused += 1;
      throw tooMany(this.#waiters);
    }
    this.#waiters += 1;
    try {
      await this.#wait(sagaId, timeoutMs, AbortSignal.any([signal, this.#draining]), isNew);
    } finally {
      this.#waiters -= 1;
    }
  }

  async #wait(sagaId: string, timeoutMs: number, signal: AbortSignal, isNew: boolean): Promise<void> {
    const since = performance.now();
    let isKnownToRun = isNew && !this.#changes.hasSettled(sagaId);
    while (!signal.aborted) {
      const waitedMs = performance.now() - since;
      const left = timeoutMs - waitedMs;
      const restMs = this.#isTold() ? LOOK_EVERY_MS : restBeforeLookMs(waitedMs);
      // Asked for before the look: an end between the two wakes us all the same.
      const next = this.#changes.next(sagaId, Math.max(0, Math.min(left, restMs)), signal);
      if (!isKnownToRun && (isSettled(await this.#looks.do(sagaId)) || left <= 0)) return;
      isKnownToRun = false;
      if (await next) return;
    }
  }
}

/** Also when there is no such saga: nobody need wait for it. */
function isSettled(status: SagaStatus | undefined): boolean {
  return status === undefined || status === "parked" || isFinal(status);
}

/** How long after a look the next one comes, for a caller who has waited so long: a quarter of that, within bounds. */
export function restBeforeLookMs(waitedMs: number): number {
  return Math.min(LOOK_EVERY_MS, Math.max(FIRST_LOOKS_MS, waitedMs / LOOKS_SHARE));
}

function tooMany(waiting: number): Refusal {
  return new Refusal("engine.busy", `${waiting} callers wait for a saga already`, "Ask again after Retry-After.");
}
