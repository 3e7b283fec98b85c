import { errorCode, type Sql } from "../timeline/database.ts";
import { takePauseTurn } from "./pause-turn.ts";
import type { TopicEnd } from "../transport/port.ts";

/** Why nothing is consumed until a person has run `ekiden recover`. */
export interface Need {
  readonly code: "database.restored" | "kafka.emptied";
  /** One sentence: what was seen. */
  readonly detail: string;
}

/** Which database this is, as PostgreSQL says it. What the login may not read is null. */
export interface Identity {
  readonly systemIdentifier: string | null;
  readonly timelineId: number;
  readonly databaseOid: string;
}

/** What the database remembers of itself, and what it is now. */
export interface History {
  /** What is decided from this holds only as long as the generation is the same. */
  readonly generation: number;
  readonly known: Identity & { readonly kafkaCluster: string | null };
  readonly present: Identity;
  /** Up to where the write-ahead log is on the disk: that never goes back but by a restore. */
  readonly lsn: bigint;
  readonly need: Need | null;
}

interface HistoryRow {
  system_identifier: string | null;
  timeline_id: number;
  database_oid: string;
  lsn: string;
  generation: number | null;
  known_system_identifier: string | null;
  known_timeline_id: number;
  known_database_oid: string;
  kafka_cluster: string | null;
  need: Need["code"] | null;
  need_detail: string | null;
}

/** Reads both, and writes down what there is when nothing was written down yet. */
export async function readHistory(sql: Sql): Promise<History> {
  const row = await readRow(sql);
  const present = {
    systemIdentifier: row.system_identifier,
    timelineId: row.timeline_id,
    databaseOid: row.database_oid,
  };
  if (row.generation === null) {
    await sql`
      insert into timeline.identity (system_identifier, timeline_id, database_oid)
      values (${present.systemIdentifier}, ${present.timelineId}, ${present.databaseOid}) on conflict (id) do nothing
    `;
    return readHistory(sql);
  }
  return {
    generation: row.generation,
    known: {
      systemIdentifier: row.known_system_identifier,
      timelineId: row.known_timeline_id,
      databaseOid: row.known_database_oid,
      kafkaCluster: row.kafka_cluster,
    },
    present,
    lsn: BigInt(row.lsn),
    need: row.need === null ? null : { code: row.need, detail: row.need_detail ?? "" },
  };
}

async function readRow(sql: Sql): Promise<HistoryRow> {
  // The control file knows of a new timeline only after the next checkpoint; the name of the log's segment knows at once.
  const rest = sql`
      ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::integer as timeline_id,
      d.oid::text as database_oid, pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::text as lsn, i.generation,
      i.system_identifier as known_system_identifier, i.timeline_id as known_timeline_id,
      i.database_oid as known_database_oid, i.kafka_cluster, i.need, i.need_detail
    from pg_database d left join timeline.identity i on i.id = 1
    where d.datname = current_database()
  `;
  try {
    const [row] = await sql<HistoryRow[]>`
      select (select c.system_identifier::text from pg_control_system() c) as system_identifier, ${rest}
    `;
    return row as HistoryRow;
  } catch (error) {
    if (errorCode(error) !== "42501") throw error;
    const [row] = await sql<HistoryRow[]>`select null as system_identifier, ${rest}`;
    return row as HistoryRow;
  }
}

/** Whether PostgreSQL itself says that this is another history. */
export function anotherDatabase({ known, present }: Pick<History, "known" | "present">): Need | null {
  const system = known.systemIdentifier !== null && present.systemIdentifier !== null;
  if (system && known.systemIdentifier !== present.systemIdentifier) {
    return restored(
      `the database lies in PostgreSQL cluster ${present.systemIdentifier}, this history was written in ${known.systemIdentifier}`,
    );
  }
  if (known.timelineId !== present.timelineId) {
    return restored(
      `PostgreSQL is on timeline ${present.timelineId}, this history was written on ${known.timelineId}: it was restored to a point in time, or a standby was promoted`,
    );
  }
  if (known.databaseOid === present.databaseOid) return null;
  return restored("the database was made again, from a dump or a template");
}

/** A need of the database's. */
export function restored(detail: string): Need {
  return { code: "database.restored", detail };
}

/** Whether Kafka has lost what it once held. `positions`: how far its topics have reached. */
export function emptiedKafka(
  known: string | null,
  cluster: string,
  positions: readonly TopicEnd[],
  ends: readonly TopicEnd[],
): Need | null {
  if (known !== null && known !== cluster) {
    return { code: "kafka.emptied", detail: `Kafka is cluster ${cluster}, this history was sent to ${known}` };
  }
  const [first, ...more] = fallenShort(positions, ends);
  if (first === undefined) return null;
  const others = more.length === 0 ? "" : `, and so do ${more.length} more partitions`;
  const detail = `Kafka's topic ${first.topic}/${first.partition} ends at ${endOf(ends, first)} and has reached ${first.end}${others}: messages were lost`;
  return { code: "kafka.emptied", detail };
}

/** Partitions that end before where they once were. */
export function fallenShort(positions: readonly TopicEnd[], ends: readonly TopicEnd[]): readonly TopicEnd[] {
  return positions.filter((position) => position.end > endOf(ends, position));
}

/** Where a partition ends; 0 when Kafka does not have it. */
export function endOf(ends: readonly TopicEnd[], { topic, partition }: Omit<TopicEnd, "end">): number {
  return ends.find((one) => one.topic === topic && one.partition === partition)?.end ?? 0;
}

/** Notes a need, once, and holds every group. False: somebody has run `ekiden recover` meanwhile, or noted one before. */
export async function declareNeed(sql: Sql, generation: number, { code, detail }: Need): Promise<boolean> {
  return sql.begin(async (tx) => {
    const noted = await tx`
      update timeline.identity set need = ${code}, need_detail = ${detail}, needed_at = clock_timestamp()
      where id = 1 and generation = ${generation} and need is null
      returning generation
    `;
    if (noted.length === 0) return false;
    await takePauseTurn(tx);
    await tx`
      update timeline.consumer_group set paused = true, held = true, paused_reason = ${`ekiden recover: ${detail}`}
      where not paused
    `;
    return true;
  });
}

/** How far Kafka's topics have been seen to reach. */
export async function readPositions(sql: Sql): Promise<readonly TopicEnd[]> {
  return sql<TopicEnd[]>`select topic, partition, "end" from timeline.kafka_position order by topic, partition`;
}

/** Writes down how far Kafka reaches, and which it is. Nothing happens when `ekiden recover` has run or is due meanwhile. */
export async function keepPositions(
  sql: Sql,
  generation: number,
  cluster: string,
  ends: readonly TopicEnd[],
): Promise<void> {
  await sql.begin(async (tx) => {
    const same = await tx`
      update timeline.identity set kafka_cluster = coalesce(kafka_cluster, ${cluster})
      where id = 1 and generation = ${generation} and need is null
      returning generation
    `;
    if (same.length === 0) return;
    const rows = ends.map(({ topic, partition, end }) => ({ topic, partition, end }));
    await tx`
      insert into timeline.kafka_position as p (topic, partition, "end")
      select w.topic, w.partition, w."end"
      from jsonb_to_recordset(${tx.json(rows)}) as w (topic text, partition integer, "end" bigint)
      on conflict (topic, partition) do update set "end" = excluded."end", seen_at = excluded.seen_at
        where p."end" < excluded."end"
    `;
  });
}
