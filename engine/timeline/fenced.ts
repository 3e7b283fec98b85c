import { together, type Tx } from "./database.ts";

/** Under which right a transaction writes. */
export interface Ownership {
  /**
   * The owner epoch of the embedded transport under which it began, and which alone may write; null: the transport has no
   * owner (Kafka fences by group membership, and claims and guards do the rest).
   */
  readonly epoch: number | null;
  /** When what it consumes lies in the topics for good; undefined: it does. */
  readonly placed: Promise<void> | undefined;
}

/** The right that a room has now. */
export function ownershipOf(room: { ownerEpoch?(): number | null; placed?(): Promise<void> }): Ownership {
  const placed = room.placed?.();
  // Whoever waits for a connection does not listen yet.
  placed?.catch(() => {});
  return { epoch: room.ownerEpoch?.() ?? null, placed };
}

/**
 * Runs the work of a transaction, and says its id (`pg_current_xact_id()`, as text).
 *
 * The fence is sent first and not waited for: one more statement in the first round trip. When it fails, every statement
 * behind it fails too, and so does the commit. The id is asked for behind the locks that `work` takes: who waits for a
 * lock must not have one, since it commits behind others with later ones (reliability R6). For that, `work` sends its
 * locks before it waits for anything else.
 * @throws SQLSTATE 57EK1, which is no outcome, when another process has become the owner
 */
export async function fenced<T>(
  tx: Tx,
  { epoch, placed }: Ownership,
  work: () => Promise<T>,
): Promise<{ readonly xid: string; readonly value: T }> {
  const fence = epoch === null ? [] : [tx`select timeline.fence(${epoch}::bigint)`.execute()];
  const working = work();
  const [, value, [row]] = await together([together(fence), working, transactionId(tx), placed]);
  return { xid: (row as { xid: string }).xid, value };
}

/**
 * As `fenced`, for work whose first statement does it all: holds itself to the epoch, takes the locks, and says the
 * transaction's id behind them.
 */
export async function opened<T>({ placed }: Ownership, work: () => Promise<T>): Promise<T> {
  const [value] = await together([work(), placed]);
  return value;
}

/** More than there are between a statement that is awaited, maybe by a function of a function, and its sending. */
const MICROTASKS = 16;

/** Asked for with the first statements of the work, behind all of them. */
async function transactionId(tx: Tx): Promise<readonly { readonly xid: string }[]> {
  for (let turn = 0; turn < MICROTASKS; turn += 1) await null;
  return await tx<{ xid: string }[]>`select pg_current_xact_id()::text as xid`;
}
