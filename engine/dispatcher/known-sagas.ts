import type { Bound } from "../core/bound.ts";
import { isFinal, type SagaStatus } from "../core/state.ts";
import type { KnownSaga, SagaRow } from "../timeline/saga-row.ts";

/** Sagas whose rows are kept; the one that was written longest ago goes first. */
const KEPT_MAX = 1_000;

/**
 * The rows of the sagas that this process wrote last, as its transactions left them: the next event of a saga that moves
 * need not read, send and parse what was just written. Whether a row is still that version, the database says under the
 * saga's lock (`timeline.open_events`), so that what is kept here may be old and never wrong.
 */
export class KnownSagas {
  readonly #rows = new Map<string, KnownSaga>();
  #hits = 0;
  readonly bounds: readonly Bound[] = [
    {
      name: "ekiden_sagas_remembered",
      help: "Sagas whose newest row is kept in memory.",
      limit: KEPT_MAX,
      now: () => this.#rows.size,
      hits: () => this.#hits,
    },
  ];

  /** Those of some sagas that are known. */
  of(sagaIds: readonly string[]): ReadonlyMap<string, KnownSaga> {
    return new Map(
      sagaIds.flatMap((id) => {
        const known = this.#rows.get(id);
        return known === undefined ? [] : [[id, known] as const];
      }),
    );
  }

  /** A transaction that has committed left a saga like this. */
  keep(row: SagaRow, xid: string): void {
    this.#rows.delete(row.id);
    if (isFinal(row.status as SagaStatus)) return;
    this.#rows.set(row.id, { row, xid });
    if (this.#rows.size <= KEPT_MAX) return;
    this.#hits += 1;
    for (const oldest of this.#rows.keys()) {
      this.#rows.delete(oldest);
      return;
    }
  }

  forget(sagaId: string): void {
    this.#rows.delete(sagaId);
  }
}
