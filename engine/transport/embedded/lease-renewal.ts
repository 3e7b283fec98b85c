import type { Sql } from "../../timeline/database.ts";

/** How long an owner may be silent before another process takes over, milliseconds. */
export const LEASE_MS = 3_000;
/** An owner that has not come round for so long is stuck, and lets the lease run out. Longer than two statements may take. */
export const STUCK_AFTER_MS = 150_000;

/** Numbers that an owner's event loop writes and its lease thread reads: each one's place in shared memory. */
export const CELL = {
  /** The lease's epoch; 0: this process holds none. */
  epoch: 0,
  /** How often the event loop has renewed the lease. */
  renewals: 1,
  /** How often the owner has come round. */
  rounds: 2,
  /** How often the event loop has had a turn since this process holds the lease. */
  turns: 3,
} as const;

/** What a lease thread is told first. The next message, whatever it is, ends it. */
export interface LeaseThreadStart {
  readonly cells: Int32Array;
  readonly databaseUrl: string;
  readonly owner: string;
  /** Sign of the engine process. */
  readonly process: string;
  /** An owner that has not come round for so long is not helped any more, milliseconds. */
  readonly stuckAfterMs: number;
}

/** Where an owner at rest is told of new rows of the outbox (`timeline.wake_relay`). */
export const OUTBOX_CHANNEL = "ekiden_outbox";

/** A lease that was renewed. */
interface Renewal {
  /** This connection is told of new rows of the outbox while the owner is at rest. */
  readonly listens: boolean;
}

/**
 * Makes the lease last from now on; undefined: this owner has lost it. `resting`: whether writers shall tell of new rows,
 * from this transaction's end on.
 */
export async function renewLease(
  sql: Sql,
  owner: string,
  epoch: number,
  resting: boolean,
): Promise<Renewal | undefined> {
  const [renewal] = await sql<Renewal[]>`
    update timeline.topic_log_position set owner_until = clock_timestamp() + ${LEASE_MS} * interval '1 millisecond',
      resting_epoch = ${resting ? epoch : null}
    where id = 1 and owner = ${owner} and owner_epoch = ${epoch}
    returning exists (select from pg_listening_channels() c where c = ${OUTBOX_CHANNEL}) as listens
  `;
  return renewal;
}
