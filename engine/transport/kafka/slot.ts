import type { Sql } from "postgres";

/** The replication slot as PostgreSQL sees it. */
export interface SlotState {
  readonly active: boolean;
  /** `reserved`, `extended`, `unreserved` or `lost`. */
  readonly walStatus: string | null;
  /** WAL that the connector has not confirmed. */
  readonly keptBytes: number;
  /** WAL that PostgreSQL keeps for the slot: from where the connector would read again after a restart. */
  readonly restartBytes: number;
  /** WAL that may still be written before the slot is lost; null = no limit is set. */
  readonly safeBytes: number | null;
  /** `max_slot_wal_keep_size`; null = no limit is set. */
  readonly maxKeepBytes: number | null;
  /** Up to where the connector has confirmed; it moves with each heartbeat. */
  readonly confirmed: string;
  /** Seconds since the connector last wrote its heartbeat. */
  readonly heartbeatAgeSeconds: number;
}

interface SlotRow {
  readonly active: boolean;
  readonly wal_status: string | null;
  readonly kept_bytes: number | null;
  readonly restart_bytes: number | null;
  readonly safe_bytes: number | null;
  readonly max_keep_bytes: number | null;
  readonly confirmed: string | null;
  readonly heartbeat_age: number;
}

/** Undefined: there is no such slot, so what is written to the outbox now will not be delivered. */
export async function readSlot(sql: Sql, slot: string): Promise<SlotState | undefined> {
  const [row] = await sql<SlotRow[]>`
    select s.active, s.wal_status, s.safe_wal_size::float8 as safe_bytes,
      s.confirmed_flush_lsn::text as confirmed,
      pg_wal_lsn_diff(pg_current_wal_lsn(), s.confirmed_flush_lsn)::float8 as kept_bytes,
      pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn)::float8 as restart_bytes,
      (select nullif(p.setting::float8, -1) * 1024 * 1024 from pg_settings p where p.name = 'max_slot_wal_keep_size')
        as max_keep_bytes,
      (select extract(epoch from clock_timestamp() - h.ts) from timeline.heartbeat h where h.id = 1)::float8
        as heartbeat_age
    from pg_replication_slots s
    where s.slot_name = ${slot} and s.database = current_database()
  `;
  if (row === undefined) return undefined;
  return {
    // While it is being made it is active already, and what is written then is not in it.
    active: row.active && row.confirmed !== null,
    walStatus: row.wal_status,
    keptBytes: row.kept_bytes ?? 0,
    restartBytes: row.restart_bytes ?? 0,
    safeBytes: row.safe_bytes,
    maxKeepBytes: row.max_keep_bytes,
    confirmed: row.confirmed ?? "",
    heartbeatAgeSeconds: row.heartbeat_age,
  };
}

/** Drops a slot that PostgreSQL has given up; one that is in order, or read by somebody, stays. */
export async function dropLostSlot(sql: Sql, slot: string): Promise<void> {
  await sql`
    select pg_drop_replication_slot(slot_name) from pg_replication_slots
    where slot_name = ${slot} and database = current_database() and wal_status = 'lost' and not active
  `;
}

/** The end of the WAL: behind everything that is committed now. */
export async function outboxEnd(sql: Sql): Promise<string> {
  const [row] = await sql<{ lsn: string }[]>`select pg_current_wal_insert_lsn()::text as lsn`;
  return (row as { lsn: string }).lsn;
}

/** Whether the connector has confirmed everything before this LSN, or its slot was made anew behind it. */
export async function slotHasPassed(sql: Sql, slot: string, lsn: string): Promise<boolean> {
  const rows = await sql`
    select from pg_replication_slots s
    where s.slot_name = ${slot} and s.database = current_database() and s.active and s.confirmed_flush_lsn >= ${lsn}::pg_lsn
  `;
  return rows.length > 0;
}
