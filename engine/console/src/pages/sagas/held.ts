import type { Saga, SagaList } from "../../data/shapes.ts";

/** A list as it was when it was first drawn; its rows change, their order does not. */
export interface Held {
  readonly rows: readonly Saga[];
  readonly nextCursor: string | null;
  /** What is newer began since. */
  readonly top: string;
}

/** What is held from now on. */
export function hold({ items, nextCursor }: SagaList): Held {
  return { rows: items, nextCursor, top: items[0]?.sagaId ?? "" };
}

/** The same rows as they are now. Those that a filter leaves out now are gone; those that new ones pushed off the page stay. */
export function follow({ rows, nextCursor, top }: Held, now: SagaList): Held {
  const found = new Map(now.items.map((item) => [item.sagaId, item]));
  const oldest = now.items.at(-1)?.sagaId;
  const isOff = (id: string) => now.nextCursor !== null && oldest !== undefined && id < oldest;
  return {
    rows: rows.flatMap((row) => found.get(row.sagaId) ?? (isOff(row.sagaId) ? [row] : [])),
    nextCursor,
    top,
  };
}

/** Sagas that wait behind what is held: read since, or told by the stream. */
export function waitingBehind({ rows, top }: Held, now: SagaList, told: ReadonlySet<string>): number {
  const shown = new Set(rows.map(({ sagaId }) => sagaId));
  const read = now.items.map(({ sagaId }) => sagaId).filter((id) => !shown.has(id));
  return new Set([...read, ...[...told].filter((id) => id > top)]).size;
}
