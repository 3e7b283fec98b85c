import type { Sql } from "postgres";

/** A loss of the slot that is not over: what was written in between may not have reached Kafka. */
export interface SlotLoss {
  readonly id: string;
  readonly cause: string;
  /** A heartbeat that was written then came through; null: none ever has. */
  readonly since: Date | null;
  readonly renewing: boolean;
  /** When a new slot was there; null: none is yet. */
  readonly renewedAt: Date | null;
}

/** What all processes know together of the connector on one slot. */
export interface WatchMemory {
  /** The slot has existed: if it does not, it was dropped. */
  readonly slotSeen: boolean;
  readonly restarts: number;
  /** In a row. */
  readonly failures: number;
  readonly failedAt: Date | null;
  readonly failedAgoMs: number | null;
  /** Until the next restart may be made. */
  readonly restartInMs: number;
  readonly cause: string | null;
  readonly loss: SlotLoss | null;
  /** A person must run `ekiden recover` first, which makes the slot anew itself. */
  readonly recovering: boolean;
}

const NOTHING: Omit<WatchMemory, "recovering"> = {
  slotSeen: false,
  restarts: 0,
  failures: 0,
  failedAt: null,
  failedAgoMs: null,
  restartInMs: 0,
  cause: null,
  loss: null,
};

const RESTART_FIRST_S = 1;
const RESTART_MAX_S = 60;
/** So long after its last failure a connector counts as healed, and its restarts begin at once again. */
const HEALED_AFTER_S = 120;
/** A connector that begins anew needs some seconds until its slot is there. */
const RENEW_EVERY_S = 45;
/** A row may have been written long before its transaction was committed. */
const LONGEST_TRANSACTION_MS = 600_000;

interface MemoryRow {
  readonly slot_seen: boolean;
  readonly restarts: number;
  readonly failures: number;
  readonly failed_at: Date | null;
  readonly failed_ago_ms: number | null;
  readonly restart_in_ms: number;
  readonly cause: string | null;
}

interface LossRow {
  readonly id: string;
  readonly cause: string;
  readonly since: Date | null;
  readonly renewing: boolean;
  readonly renewed_at: Date | null;
}

/** Reads what is known; nothing, when the slot has never been seen and nothing has failed. */
export async function recall(sql: Sql, slot: string): Promise<WatchMemory> {
  const [[row], [loss], open] = await Promise.all([
    sql<MemoryRow[]>`
      select w.slot_seen_at is not null as slot_seen, w.restarts, w.failures, w.failed_at, w.cause,
        (extract(epoch from clock_timestamp() - w.failed_at) * 1000)::float8 as failed_ago_ms,
        greatest(0, extract(epoch from greatest(w.restart_at, '2000-01-01') - clock_timestamp()) * 1000)::float8 as restart_in_ms
      from timeline.connector_watch w where w.slot = ${slot}
    `,
    sql<LossRow[]>`
      select l.id, l.cause, l.since, l.renewing_at is not null as renewing, l.renewed_at from timeline.slot_loss l
      where l.slot = ${slot} and l.closed_at is null order by l.id desc limit 1
    `,
    sql`select from timeline.identity where id = 1 and need is not null`,
  ]);
  const recovering = open.length > 0;
  if (row === undefined) return { ...NOTHING, recovering };
  const { id, cause, since, renewing, renewed_at: renewedAt } = loss ?? {};
  return {
    slotSeen: row.slot_seen,
    restarts: row.restarts,
    failures: row.failures,
    failedAt: row.failed_at,
    failedAgoMs: row.failed_ago_ms,
    restartInMs: row.restart_in_ms,
    cause: row.cause,
    recovering,
    loss:
      id === undefined
        ? null
        : { id, cause: cause ?? "", since: since ?? null, renewing: renewing === true, renewedAt: renewedAt ?? null },
  };
}

/** Notes that the slot exists, once. */
export async function noteSlot(sql: Sql, slot: string): Promise<void> {
  await sql`
    insert into timeline.connector_watch (slot, slot_seen_at) values (${slot}, clock_timestamp())
    on conflict (slot) do update set slot_seen_at = excluded.slot_seen_at where connector_watch.slot_seen_at is null
  `;
}

/** True: this process is to restart the connector now. Of several one gets it, and each failure waits longer. */
export async function claimRestart(sql: Sql, slot: string, cause: string): Promise<boolean> {
  const claimed = await sql`
    insert into timeline.connector_watch as w (slot, restarts, failures, failed_at, restart_at, cause)
    values (${slot}, 1, 1, clock_timestamp(), clock_timestamp() + ${RESTART_FIRST_S} * interval '1 second', ${cause})
    on conflict (slot) do update set restarts = w.restarts + 1, failures = w.failures + 1, failed_at = excluded.failed_at,
      restart_at = clock_timestamp()
        + least(${RESTART_MAX_S}, ${RESTART_FIRST_S} * 2 ^ least(w.failures, 10)) * interval '1 second',
      cause = excluded.cause
      where w.restart_at <= clock_timestamp()
    returning w.slot
  `;
  return claimed.length === 1;
}

/** A connector that has run for a while, or that a person has restarted, counts as healed. */
export async function noteHealed(sql: Sql, slot: string, afterSeconds = HEALED_AFTER_S): Promise<void> {
  await sql`
    update timeline.connector_watch set failures = 0, restart_at = '-infinity'
    where slot = ${slot} and failures > 0 and failed_at < clock_timestamp() - ${afterSeconds} * interval '1 second'
  `;
}

/** Notes that the slot is lost, unless that is known. What was committed before the last heartbeat that came through has arrived. */
export async function noteLoss(sql: Sql, slot: string, cause: string): Promise<void> {
  await sql`
    insert into timeline.slot_loss (id, slot, cause, since)
    values (timeline.new_ulid(), ${slot}, ${cause}, (
      select t.written_at from timeline.heartbeat_trip t where t.returned_at is not null order by t.beat_id desc limit 1))
    on conflict (slot) where renewed_at is null do nothing
  `;
}

/** True: this process is to make the slot anew. Of several one gets it; when that did not help, after a while again. */
export async function claimRenewing(sql: Sql, id: string): Promise<boolean> {
  const claimed = await sql`
    update timeline.slot_loss set renewing_at = clock_timestamp()
    where id = ${id} and renewed_at is null
      and (renewing_at is null or renewing_at < clock_timestamp() - ${RENEW_EVERY_S} * interval '1 second')
    returning id
  `;
  return claimed.length === 1;
}

/** Notes that a new slot is there. */
export async function noteRenewed(sql: Sql, id: string): Promise<void> {
  await sql`update timeline.slot_loss set renewed_at = clock_timestamp() where id = ${id} and renewed_at is null`;
}

/** When the first request may have been written that a loss concerns; null: from the beginning on. */
export function lostFrom({ since }: Pick<SlotLoss, "since">): Date | null {
  return since === null ? null : new Date(since.getTime() - LONGEST_TRANSACTION_MS);
}

/** Nothing is missing any more: the loss is over, once a new slot is there. */
export async function noteClosed(sql: Sql, id: string): Promise<void> {
  await sql`
    update timeline.slot_loss set closed_at = clock_timestamp()
    where id = ${id} and renewed_at is not null and closed_at is null
  `;
}
