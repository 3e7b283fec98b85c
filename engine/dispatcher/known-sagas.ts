import type { Bound } from "../core/bound.ts";
import { isFinal, type SagaStatus } from "../core/state.ts";
import type { KnownSaga, SagaRow } from "../timeline/saga-row.ts";

/** Sagas whose rows are kept; the one that was written longest ago goes first. */
const KEPT_MAX = 1_000;
/** Bytes of their inputs and states, about: in memory they take twice as many. */
const BYTES_MAX = 32 * 1024 * 1024;

interface Kept extends KnownSaga {
  readonly inputBytes: number;
  readonly stateBytes: number;
}

/**
 * The rows of the sagas that this process wrote last, as its transactions left them: the next event of a saga that moves
 * need not read, send and parse what was just written. Whether a row is still that version, the database says under the
 * saga's lock (`timeline.open_events`), so that what is kept here may be old and never wrong.
 */
export class KnownSagas {
  readonly #rows = new Map<string, Kept>();
  #bytes = 0;
  #hits = 0;
  readonly bounds: readonly Bound[] = [
    {
      name: "ekiden_sagas_remembered",
      help: "Sagas whose newest row is kept in memory.",
      limit: KEPT_MAX,
      now: () => this.#rows.size,
      hits: () => this.#hits,
    },
    {
      name: "ekiden_saga_bytes_remembered",
      help: "Bytes of their inputs and states.",
      limit: BYTES_MAX,
      now: () => this.#bytes,
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
    const before = this.#rows.get(row.id);
    this.forget(row.id);
    if (isFinal(row.status as SagaStatus)) return;
    // An input never changes, and may be most of a row.
    const inputBytes = before !== undefined && before.row.input === row.input ? before.inputBytes : bytesOf(row.input);
    const kept = { row, xid, inputBytes, stateBytes: bytesOf(row.state) };
    this.#rows.set(row.id, kept);
    this.#bytes += kept.inputBytes + kept.stateBytes;
    for (const oldest of this.#rows.keys()) {
      if (this.#rows.size <= KEPT_MAX && this.#bytes <= BYTES_MAX) return;
      this.#hits += 1;
      this.forget(oldest);
    }
  }

  forget(sagaId: string): void {
    const kept = this.#rows.get(sagaId);
    if (kept === undefined) return;
    this.#bytes -= kept.inputBytes + kept.stateBytes;
    this.#rows.delete(sagaId);
  }
}

function bytesOf(value: unknown): number {
  return (JSON.stringify(value) ?? "").length;
}
