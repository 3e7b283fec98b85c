import type { Tx } from "../timeline/database.ts";

/**
 * To be taken by whoever pauses or resumes the dispatcher, before its row: those that look whether it is paused then wait
 * behind it (`timeline.dispatcher_paused`). By the row alone they would pass it for as long as they overlap.
 */
export async function takePauseTurn(tx: Tx): Promise<void> {
  await tx`select pg_advisory_xact_lock(hashtextextended('pause/dispatcher', 3))`;
}
