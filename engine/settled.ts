import type { Bound } from "./core/bound.ts";
import { Refusal } from "./core/refusal.ts";
import { isFinal, type SagaStatus } from "./core/state.ts";
import type { SagaChanges } from "./dispatcher/saga-changes.ts";
import type { Sql } from "./timeline/database.ts";
import { Grouped } from "./timeline/grouped.ts";

/** Another process may move the saga: it is looked at this often at least. */
const LOOK_EVERY_MS = 250;
/** Callers that wait; one more is answered 503. */
const WAITERS_MAX = 5_000;
const LOOK_MAX = 1_000;

/** Lets callers wait until a saga is final or parked; they share their looks at the database. */
export class Settling {
  readonly #changes: SagaChanges;
  readonly #looks: Grouped<string, SagaStatus | undefined>;
  #waiters = 0;
  #refused = 0;

  constructor(sql: Sql, changes: SagaChanges) {
    this.#changes = changes;
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
   * Resolves when the saga is final or parked, when `timeoutMs` has passed, or when aborted.
   * @throws Refusal `engine.busy`
   */
  async settled(sagaId: string, timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (this.#waiters >= WAITERS_MAX) {
      this.#refused += 1;
      throw tooMany(this.#waiters);
    }
    this.#waiters += 1;
    try {
      await this.#wait(sagaId, timeoutMs, signal);
    } finally {
      this.#waiters -= 1;
    }
  }

  async #wait(sagaId: string, timeoutMs: number, signal: AbortSignal): Promise<void> {
    const until = performance.now() + timeoutMs;
    while (!signal.aborted) {
      const left = until - performance.now();
      // Asked for before the look: an end between the two wakes us all the same.
      const next = this.#changes.next(sagaId, Math.max(0, Math.min(left, LOOK_EVERY_MS)), signal);
      const status = await this.#looks.do(sagaId);
      if (status === undefined || status === "parked" || isFinal(status) || left <= 0) return;
      if (await next) return;
    }
  }
}

function tooMany(waiting: number): Refusal {
  return new Refusal("engine.busy", `${waiting} callers wait for a saga already`, "Ask again after Retry-After.");
}
