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

/** Makes the lease last from now on. False: this owner has lost it. */
export async function renewLease(sql: Sql, owner: string, epoch: number): Promise<boolean> {
  const rows = await sql`
    update timeline.topic_log_position set owner_until = clock_timestamp() + ${LEASE_MS} * interval '1 millisecond'
    where id = 1 and owner = ${owner} and owner_epoch = ${epoch}
    returning id
  `;
  return rows.length > 0;
}
