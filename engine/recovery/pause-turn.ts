import type { Tx } from "../timeline/database.ts";
import { isInTheWay } from "../timeline/lock-holders.ts";

/**
 * How long those that look may be made to wait at a time, milliseconds: less than a start, signal or call waits for a lock.
 * Then they are let by: who holds the pause up may be a process that has stopped in the middle of one.
 */
const TRY_MS = 4_000;
const REST_MS = 500;
/** All of them last about as long as any lock may be waited for (30 s). */
const TRIES = 7;

/**
 * To be taken by whoever pauses or resumes the dispatcher, before its row: those that look whether it is paused then wait
 * behind it (`timeline.dispatcher_paused`). By the row alone they would pass it for as long as they overlap.
 */
export async function takePauseTurn(tx: Tx): Promise<void> {
  const [session] = await tx<{ bound: string }[]>`select current_setting('lock_timeout') as bound`;
  for (let tries = 1; ; tries += 1) {
    try {
      await tx.savepoint(async (part) => {
        await part`select set_config('lock_timeout', ${String(TRY_MS)}, true)`;
        await part`select pg_advisory_xact_lock(hashtextextended('pause/dispatcher', 3))`;
        await part`select set_config('lock_timeout', ${session?.bound ?? "0"}, true)`;
      });
      return;
    } catch (error) {
      if (tries === TRIES || !isInTheWay(error)) throw error;
    }
    await Bun.sleep(REST_MS);
  }
}
