import type { SagaStatus } from "../core/state.ts";
import type { Sql } from "./database.ts";

/**
 * What a reader has seen: everything of the transactions below `xmax`, but of those that were `open` then. It says
 * exactly what is new later, a row of an old transaction that commits late included, and nothing waits for a
 * transaction that stays open (reliability R7).
 */
export interface Snapshot {
  readonly xmax: bigint;
  readonly open: readonly bigint[];
}

/** An event's place: its transaction, and its key in there. */
export interface StreamPlace {
  readonly xid: bigint;
  readonly key: string;
}

/** Events to read: those that `from` does not show and `to` does (absent: those of now), `after` a place. */
export interface StreamWindow {
  readonly from: Snapshot;
  readonly to?: Snapshot | undefined;
  readonly after?: StreamPlace | undefined;
}

/** A message that was recorded, or one that the dispatcher applied. */
export interface StreamRow {
  readonly xid: string;
  readonly key: string;
  readonly message_id: string;
  readonly correlation_id: string;
  readonly definition: string | null;
  readonly message_type: string | null;
  readonly step_key: string | null;
  readonly action: string | null;
  readonly attempt: number | null;
  readonly at: Date;
  /** Both null: recorded. */
  readonly sequence: number | null;
  readonly status: SagaStatus | null;
  readonly error_code: string | null;
  readonly error_message: string | null;
}

/** `now`: the database's snapshot with which the rows were read. */
export interface StreamPage {
  readonly now: Snapshot;
  readonly rows: readonly StreamRow[];
}

type PageRow = { readonly now: string } & { readonly [K in keyof StreamRow]: StreamRow[K] | null };

/** Longer texts are not shown: cut off, one might show a part of what is to be masked. */
const MESSAGE_MAX = 4_000;

/**
 * Events in the order of their transactions, at most `limit`. In one transaction: requests that it applies itself, then
 * what was applied, then what that caused.
 */
export async function readStream(sql: Sql, window: StreamWindow, limit: number): Promise<StreamPage> {
  const rows = await sql<PageRow[]>`
    select n.snapshot as now, e.xid::text as xid, e.key, e.message_id, e.correlation_id, s.definition, r.message_type,
      r.step_key, r.action, r.attempt, e.at, e.sequence, e.status, r.error_code,
      case when length(r.error_message) <= ${MESSAGE_MAX} then r.error_message end as error_message
    from (select pg_current_snapshot()::text as snapshot) n
    left join (
      select u.xid, u.key, u.message_id, u.correlation_id, u.at, u.sequence, u.status
      from (${unseen(sql, window, limit)}) u (xid, key, message_id, correlation_id, at, sequence, status)
      order by u.xid, u.key limit ${limit}
    ) e on true
    left join lateral (
      select q.message_type, q.step_key, q.action, q.attempt,
        coalesce(q.message_body->>'code', q.message_body->'error'->>'code') as error_code,
        coalesce(q.message_body->>'message', q.message_body->'error'->>'message') as error_message
      from timeline.event_request q where q.message_id = e.message_id offset 0
    ) r on true
    left join lateral (select q.definition from timeline.saga q where q.id = e.correlation_id offset 0) s on true
    order by e.xid, e.key
  `;
  const events = rows.flatMap(({ now: _now, ...row }) => (row.xid === null ? [] : [row as StreamRow]));
  return { now: parseSnapshot(rows[0]?.now ?? "0:0:"), rows: events };
}

/** Each part is read in the order of its index, so that a page costs what it holds, however far behind it lies. */
function unseen(sql: Sql, { from, to, after }: StreamWindow, limit: number) {
  const least = after?.xid ?? 0n;
  const open = from.open.filter((xid) => xid >= least).map(String);
  const first = String(least > from.xmax ? least : from.xmax);
  const parts = [
    sql`x.xid >= ${first}::xid8`,
    ...(open.length === 0 ? [] : [sql`x.xid = any (${sql.array(open)}::text[]::xid8[])`]),
  ];
  const until =
    to === undefined
      ? begun(sql)
      : sql`${begun(sql)} and pg_visible_in_snapshot(x.xid, ${snapshotText(to)}::pg_snapshot)`;
  // An edit is applied by the transaction that records it, and its cause is the command that it replaces.
  const recordedKey = sql`(
    case when x.causation_id is null or x.message_type = 'edit.requested' then '0' else '2' end || x.message_id
  ) collate "C"`;
  const appliedKey = sql`('1' || x.correlation_id || lpad(x.sequence::text, 12, '0')) collate "C"`;
  const beyond = (key: typeof recordedKey) =>
    after === undefined ? sql`` : sql`and (x.xid, ${key}) > (${String(after.xid)}::xid8, ${after.key} collate "C")`;
  const reads = parts.flatMap((part) => [
    sql`(
      select x.xid, ${recordedKey} as key, x.message_id, x.correlation_id, x.requested_at, null::bigint, null::text
      from timeline.event_request x where ${part} ${until} ${beyond(recordedKey)} order by x.xid, key limit ${limit}
    )`,
    sql`(
      select x.xid, ${appliedKey} as key, x.message_id, x.correlation_id, x.consumed_at, x.sequence, x.status
      from timeline.event_consumption x where ${part} ${until} ${beyond(appliedKey)} order by x.xid, key limit ${limit}
    )`,
  ]);
  return reads.reduce((all, read) => sql`${all} union all ${read}`);
}

/**
 * Nothing of a transaction that has not begun here: a dump that is restored into a cluster with lower ids brings such
 * rows, and behind a position that moves with this cluster's ids they would be new for ever.
 */
function begun(sql: Sql) {
  return sql`and x.xid < pg_snapshot_xmax(pg_current_snapshot())`;
}

/** What the database shows now. */
export async function readSnapshot(sql: Sql): Promise<Snapshot> {
  const [row] = await sql<{ now: string }[]>`select pg_current_snapshot()::text as now`;
  return parseSnapshot(row?.now ?? "0:0:");
}

/** What can be known of a position before anything is read from it. */
export interface StreamStanding {
  /** The database as it is now. */
  readonly now: Snapshot;
  /** The time from which on all messages are kept. */
  readonly keptSince: Date;
  /** Messages since the position, counted up to `most`. */
  readonly behind: number;
}

/** How a position stands to what is kept. */
export async function readStanding(sql: Sql, from: Snapshot, most: number): Promise<StreamStanding> {
  const [row] = await sql<{ now: string; kept_since: Date; behind: number }[]>`
    select pg_current_snapshot()::text as now,
      (
        select to_date(right(min(p.relname::text), 6), 'YYYYMM')::timestamp at time zone 'UTC'
        from pg_inherits i join pg_class p on p.oid = i.inhrelid
        where i.inhparent = 'timeline.event_request'::regclass
      ) as kept_since,
      (
        select count(*)::integer
        from (
          select from timeline.event_request x where x.xid >= ${String(from.xmax)}::xid8 ${begun(sql)} limit ${most}
        ) b
      ) as behind
  `;
  if (row === undefined) throw new Error("a query without a table had no row");
  return { now: parseSnapshot(row.now), keptSince: row.kept_since, behind: row.behind };
}

function parseSnapshot(text: string): Snapshot {
  const [, xmax = "0", open = ""] = text.split(":");
  return { xmax: BigInt(xmax), open: open === "" ? [] : open.split(",").map(BigInt) };
}

function snapshotText({ xmax, open }: Snapshot): string {
  return `${open[0] ?? xmax}:${xmax}:${open.join(",")}`;
}
