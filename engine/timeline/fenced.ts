import { together, type Tx } from "./database.ts";

/**
 * Runs the work of a transaction, and says its id (`pg_current_xact_id()`, as text). `epoch`: the owner epoch of the
 * embedded transport under which it began, and which alone may write; null: the transport has no owner (Kafka fences by
 * group membership, and claims and guards do the rest).
 *
 * The fence is sent first and not waited for: one more statement in the first round trip. When it fails, every statement
 * behind it fails too, and so does the commit. The id is asked for behind the locks that `work` takes: who waits for a
 * lock must not have one, since it commits behind others with later ones (reliability R6). For that, `work` sends its
 * locks before it waits for anything else.
 * @throws SQLSTATE 57EK1, which is no outcome, when another process has become the owner
 */
export async function fenced<T>(
  tx: Tx,
  epoch: number | null,
  work: () => Promise<T>,
): Promise<{ readonly xid: string; readonly value: T }> {
  const fence = epoch === null ? [] : [tx`select timeline.fence(${epoch}::bigint)`.execute()];
  const working = work();
  const [, value, [row]] = await together([together(fence), working, transactionId(tx)]);
  return { xid: (row as { xid: string }).xid, value };
}

/** More than there are between a statement that is awaited, maybe by a function of a function, and its sending. */
const MICROTASKS = 16;

/** Asked for with the first statements of the work, behind all of them. */
async function transactionId(tx: Tx): Promise<readonly { readonly xid: string }[]> {
  for (let turn = 0; turn < MICROTASKS; turn += 1) await null;
  return await tx<{ xid: string }[]>`select pg_current_xact_id()::text as xid`;
}
