import { Refusal } from "../core/refusal.ts";
import { isNoOutcome } from "../timeline/database.ts";
import type { GroupResult } from "../timeline/grouped.ts";

/**
 * Does the items of a group that failed one after the other, until one fails for a reason that it shares with those behind
 * it: they get the same result, and do not wait for it too.
 */
export async function apart<T, R>(
  items: readonly T[],
  run: (item: T) => Promise<GroupResult<R>>,
): Promise<readonly GroupResult<R>[]> {
  const results: GroupResult<R>[] = [];
  for (const item of items) {
    const result = await run(item);
    results.push(result);
    if (result !== "again" && "error" in result && isShared(result.error))
      return [...results, ...items.slice(results.length).map(() => result)];
  }
  return results;
}

/** What one item waited for in vain, and no other. */
export class OwnBusy extends Refusal {}

/** Something in the way of every group: a lock that is not given back, a database that is gone. */
export function isShared(error: unknown): boolean {
  return isNoOutcome(error) || (error instanceof Refusal && error.code === "saga.busy" && !(error instanceof OwnBusy));
}
