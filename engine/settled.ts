import { isFinal, type SagaStatus } from "./core/state.ts";
import type { SagaChanges } from "./dispatcher/saga-changes.ts";
import type { Sql } from "./timeline/database.ts";

/** Another process may move the saga: it is looked at this often at least. */
const LOOK_EVERY_MS = 250;

/** Resolves when the saga is final or parked, when `timeoutMs` has passed, or when aborted. */
export async function settled(
  sql: Sql,
  changes: SagaChanges,
  sagaId: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  const until = performance.now() + timeoutMs;
  while (!signal.aborted) {
    const left = until - performance.now();
    // Asked for before the look: an end between the two wakes us all the same.
    const next = changes.next(sagaId, Math.max(0, Math.min(left, LOOK_EVERY_MS)), signal);
    const [row] = await sql<{ status: SagaStatus }[]>`select status from timeline.saga where id = ${sagaId}`;
    if (row === undefined || row.status === "parked" || isFinal(row.status) || left <= 0) return;
    await next;
  }
}
