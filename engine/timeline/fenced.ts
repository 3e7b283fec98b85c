import { together, type Tx } from "./database.ts";

/**
 * Runs the work of a transaction that only the owner of the embedded transport may write. `epoch`: the owner epoch under
 * which it began; null: the transport has no owner (Kafka fences by group membership, and claims and guards do the rest).
 *
 * The fence is sent first and not waited for: one more statement in the first round trip. When it fails, every statement
 * behind it fails too, and so does the commit.
 * @throws SQLSTATE 57EK1, which is no outcome, when another process has become the owner
 */
export async function fenced<T>(tx: Tx, epoch: number | null, work: () => Promise<T>): Promise<T> {
  if (epoch === null) return work();
  const fence = tx`select timeline.fence(${epoch}::bigint)`.execute();
  const [, value] = await together([fence, work()]);
  return value;
}
