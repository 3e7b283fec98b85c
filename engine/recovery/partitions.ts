import { Refusal } from "../core/refusal.ts";
import type { Sql, Tx } from "../timeline/database.ts";
import type { Transport } from "../transport/port.ts";

/** A month of `timeline.event_request`, and whether it may be dropped. */
export interface PartitionReport {
  readonly name: string;
  /** Its message ids: from, and before. */
  readonly fromId: string;
  readonly toId: string;
  readonly from: string;
  readonly to: string;
  /** `open`: still written to. `dropping`: a drop was cut off and is to be asked for again. */
  readonly state: "open" | "closed" | "dropping" | "dropped";
  readonly rowEstimate: number;
  readonly bytes: number;
  /** Sagas with a request in it that are open, or that an open one may still take back; at most `OPEN_MAX`. */
  readonly openSagas: number;
  /** Whether everything in it has left for the topics. */
  readonly delivered: boolean;
  readonly exported: PartitionExport | null;
  /** What stands against dropping it; empty: it may be dropped. */
  readonly obstacles: readonly string[];
}

/** A complete export of a partition. */
export interface PartitionExport {
  readonly rows: number;
  readonly firstId: string | null;
  readonly lastId: string | null;
  /** Of its lines. */
  readonly sha256: string;
  readonly exportedAt: string;
}

/** A partition as the database knows it. */
export interface PartitionRow {
  readonly name: string;
  readonly from_id: string;
  readonly to_id: string;
  readonly row_estimate: number;
  readonly bytes: number;
  readonly attached: boolean;
  readonly detaching: boolean;
  readonly closed_lsn: string | null;
  readonly rows: number | null;
  readonly first_id: string | null;
  readonly last_id: string | null;
  readonly sha256: string | null;
  readonly exported_at: Date | null;
  readonly dropping_at: Date | null;
  readonly dropped_at: Date | null;
}

/** More open sagas than this are not counted. */
const OPEN_MAX = 1_000;
const SAGAS_SHOWN = 10;
/** Ids carry the time of the process that made them: of a saga's, its own may be the later one. Far more than clocks differ. */
const CLOCKS_DIFFER_S = 3_600;
const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** Every partition, oldest first. */
export async function listPartitions(sql: Sql, transport: Transport): Promise<readonly PartitionReport[]> {
  const rows = await readPartitions(sql);
  return Promise.all(rows.map((row) => reportOf(sql, transport, row)));
}

/** One partition. @throws Refusal `partition.unknown` */
export async function partitionReport(sql: Sql, transport: Transport, name: string): Promise<PartitionReport> {
  return reportOf(sql, transport, await readPartition(sql, name));
}

/** As the database knows it. @throws Refusal `partition.unknown` */
export async function readPartition(sql: Sql, name: string): Promise<PartitionRow> {
  const row = (await readPartitions(sql)).find((one) => one.name === name);
  if (row !== undefined) return row;
  const shown = name.length > 80 ? `${name.slice(0, 80)}…` : name;
  throw new Refusal("partition.unknown", `there is no partition "${shown}"`, "GET /v1/partitions lists them.");
}

async function readPartitions(sql: Sql): Promise<readonly PartitionRow[]> {
  await sql`select timeline.note_closed_partitions()`;
  return sql<PartitionRow[]>`
    select coalesce(a.name, p.name) as name, coalesce(a.from_id, p.from_id) as from_id, coalesce(a.to_id, p.to_id) as to_id,
      coalesce(a.row_estimate, 0) as row_estimate,
      coalesce(a.bytes, pg_total_relation_size(to_regclass('timeline.' || quote_ident(p.name))), 0) as bytes,
      a.name is not null and not a.detaching as attached, coalesce(a.detaching, false) as detaching,
      pg_wal_lsn_diff(p.closed_lsn, '0/0')::text as closed_lsn, p."rows", p.first_id, p.last_id, p.sha256, p.exported_at,
      p.dropping_at, p.dropped_at
    from timeline.request_partitions() a full join timeline.request_partition p on p.name = a.name
    order by 2
  `;
}

async function reportOf(sql: Sql, transport: Transport, row: PartitionRow): Promise<PartitionReport> {
  const state = stateOf(row);
  const isThere = state === "closed" || state === "dropping";
  const openSagas = state === "dropped" ? [] : await sagasIn(sql, row, OPEN_MAX);
  const delivered = state === "dropped" || (state !== "open" && (await isDelivered(sql, transport, row)));
  const open = state === "open" ? ["its time is not over yet: it is still written to"] : [];
  const obstacles = isThere ? obstaclesOf(row, openSagas, delivered) : open;
  return {
    name: row.name,
    fromId: row.from_id,
    toId: row.to_id,
    from: timeOf(row.from_id),
    to: timeOf(row.to_id),
    state,
    rowEstimate: row.row_estimate,
    bytes: row.bytes,
    openSagas: openSagas.length,
    delivered,
    exported: exportOf(row),
    obstacles,
  };
}

function stateOf({ closed_lsn, dropping_at, dropped_at }: PartitionRow): PartitionReport["state"] {
  if (dropped_at !== null) return "dropped";
  if (dropping_at !== null) return "dropping";
  return closed_lsn === null ? "open" : "closed";
}

/** The newest complete export. */
function exportOf({ rows, first_id, last_id, sha256, exported_at }: PartitionRow): PartitionExport | null {
  if (rows === null || sha256 === null || exported_at === null) return null;
  return { rows, firstId: first_id, lastId: last_id, sha256, exportedAt: exported_at.toISOString() };
}

/** What is seen without reading the partition. */
export function obstaclesOf(row: PartitionRow, openSagas: readonly string[], delivered: boolean): readonly string[] {
  const obstacles: string[] = [];
  if (openSagas.length > 0) {
    const more = openSagas.length > SAGAS_SHOWN ? ` and ${openSagas.length - SAGAS_SHOWN} more` : "";
    obstacles.push(
      `sagas in it are open, or an open one may take them back: ${openSagas.slice(0, SAGAS_SHOWN).join(", ")}${more}`,
    );
  }
  if (!delivered)
    obstacles.push("not everything in it has left for the topics (on Kafka: the connector's slot has not passed it)");
  if (row.sha256 === null) obstacles.push("it has not been exported");
  return obstacles;
}

/** Sagas with a request in the partition that are open, and the children that an open saga may still take back. */
export async function sagasIn(
  sql: Sql | Tx,
  { from_id, to_id }: Pick<PartitionRow, "from_id" | "to_id">,
  max = OPEN_MAX,
): Promise<readonly string[]> {
  const rows = await sql<{ id: string }[]>`
    with recursive family as (
      select o.saga_id as id from timeline.saga_open o
      where o.saga_id < timeline.ulid_time(${timeOf(to_id)}::timestamptz + make_interval(secs => ${CLOCKS_DIFFER_S})) || repeat('0', 16)
      union
      select s.id from family f join timeline.saga s on s.parent_id = f.id
    )
    select f.id from family f
    where exists (
      select from timeline.event_request r
      where r.correlation_id = f.id and r.message_id >= ${from_id} and r.message_id < ${to_id}
    )
    order by f.id
    limit ${max}
  `;
  return rows.map(({ id }) => id);
}

/** Whether everything in a closed partition has left for the topics. */
export async function isDelivered(sql: Sql, { broker }: Transport, row: PartitionRow): Promise<boolean> {
  if (row.closed_lsn === null) return false;
  if (broker !== undefined) {
    const flushed = await broker.flushed();
    return flushed !== null && flushed >= BigInt(row.closed_lsn);
  }
  const [waiting] = await sql`
    select r.message_id from timeline.event_request r
    where r.message_id >= ${row.from_id} and r.message_id < ${row.to_id}
      and r.xid >= (select p.xid from timeline.topic_log_position p where p.id = 1)
      and not exists (select from timeline.topic_log l where l.message_id = r.message_id)
    limit 1
  `;
  return waiting === undefined;
}

/** The time that a ULID begins with. */
function timeOf(id: string): string {
  const ms = [...id.slice(0, 10)].reduce((sum, digit) => sum * 32 + CROCKFORD.indexOf(digit), 0);
  return new Date(ms).toISOString();
}
