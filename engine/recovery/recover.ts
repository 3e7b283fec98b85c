import { Refusal } from "../core/refusal.ts";
import { newId } from "../timeline/ids.ts";
import type { Sql } from "../timeline/database.ts";
import type { Broker, Position, TopicEnd, Transport } from "../transport/port.ts";
import { type Unknown, type UnknownMessages, unknownIn } from "./forgotten.ts";
import {
  anotherDatabase,
  declareNeed,
  emptiedKafka,
  endOf,
  type History,
  type Need,
  readHistory,
  readPositions,
  restored,
} from "./identity.ts";
import { forgetLostPlaces } from "./lost-places.ts";
import type { Operator } from "./operator.ts";
import { takePauseTurn } from "./pause-turn.ts";

/** Members that carry a move out may be busy so long; what they do not do is sent again anyway. */
const MOVED_WITHIN_MS = 30_000;
const PAUSE_MS = 100;

/** What recovery works with. */
export interface RecoverParts {
  readonly sql: Sql;
  readonly transport: Transport;
  /** Group → the topics of ours that it consumes. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
  /** Requests that a group which must consume them has not consumed. */
  readonly missing: {
    count(): Promise<{ readonly messages: number; readonly complete: boolean }>;
    /** Sends them again; returns how many. */
    send(reason: string, by: Operator): Promise<number>;
  };
  /** Says what is being done. */
  readonly step: (what: string) => void;
}

/** A committed offset that is, or would be, moved back. */
export interface Move extends Position {
  readonly group: string;
  readonly from: number;
}

/** What is, or would be, done. */
export interface RecoverReport {
  /** Null: nothing needs to be recovered. */
  readonly need: Need | null;
  /** Requests that are, or would be, sent again. `complete: false`: there may be more. */
  readonly missing: { readonly messages: number; readonly complete: boolean };
  /** Messages that the database does not know; they are not executed. */
  readonly future: readonly Unknown[];
  /** False: there may be more. */
  readonly futureComplete: boolean;
  readonly moves: readonly Move[];
  /** Groups that are, or would be, resumed. */
  readonly held: readonly string[];
}

interface Found extends RecoverReport {
  readonly history: History;
}

/** What `recover` would do. Nothing is changed. */
export async function previewRecovery(parts: RecoverParts): Promise<RecoverReport> {
  const { history: _, ...report } = await find(parts);
  return report;
}

/**
 * Makes this database and this Kafka one history again: the connector begins anew, offsets that belong to what was
 * forgotten go back, what Kafka lacks is sent again, and then, in one transaction, the identities are adopted and the
 * groups resumed. Killed before that, a second run does it all again; nothing of it harms when done twice.
 * @throws Refusal `recovery.running`, `group.rewind-failed`
 */
export async function recover(parts: RecoverParts, reason: string, by: Operator): Promise<RecoverReport> {
  const { sql } = parts;
  const connection = await sql.reserve();
  try {
    const [lock] = await connection<{ locked: boolean }[]>`
      select pg_try_advisory_lock(hashtextextended('recover', 3)) as locked
    `;
    if (lock?.locked !== true) {
      const hint = "Wait for it; it says what it does.";
      throw new Refusal("recovery.running", "another `ekiden recover` is at work on this database", hint);
    }
    try {
      return await recoverAlone(parts, reason, by);
    } finally {
      await connection`select pg_advisory_unlock(hashtextextended('recover', 3))`;
    }
  } finally {
    connection.release();
  }
}

async function recoverAlone(parts: RecoverParts, reason: string, by: Operator): Promise<RecoverReport> {
  const { sql, transport, missing, step } = parts;
  const { history, ...found } = await find(parts);
  if (found.need === null) return found;
  await declareNeed(sql, history.generation, found.need);
  const { broker } = transport;
  if (broker === undefined) await readAnew(sql);
  else {
    step("the connector begins anew");
    await broker.renew();
    if (found.need.code === "kafka.emptied") await forgetLostPlaces(sql, broker, history);
    if (found.moves.length > 0) step("committed offsets go back");
    for (const [group, moves] of Map.groupBy(found.moves, (move) => move.group)) await move(sql, broker, group, moves);
  }
  step("what was not consumed is sent again");
  const messages = await missing.send(reason, by);
  const report = { ...found, missing: { messages, complete: true } };
  await adopt(parts, history, report, reason, by);
  return report;
}

async function find(parts: RecoverParts): Promise<Found> {
  const { sql, transport, missing, step } = parts;
  const history = await readHistory(sql);
  const positions = await readPositions(sql);
  const { broker } = transport;
  const own = history.need ?? anotherDatabase(history);
  const seen = broker === undefined ? { ends: [], need: own } : await lookAt(parts, broker, history, positions, own);
  const nothing = {
    need: null,
    missing: { messages: 0, complete: true },
    future: [],
    futureComplete: true,
    moves: [],
    held: [],
  };
  if (seen.need === null) return { history, ...nothing };
  step("what is missing is counted");
  const held = await sql<{ consumer_group: string }[]>`
    select consumer_group from timeline.consumer_group where held or not paused order by consumer_group
  `;
  return {
    history,
    need: seen.need,
    missing: await missing.count(),
    future: seen.future?.topics ?? [],
    futureComplete: seen.future?.complete ?? true,
    moves:
      broker === undefined
        ? []
        : await movesOf(parts, history, seen.need, positions, seen.ends, await broker.cluster()),
    held: held.map((row) => row.consumer_group),
  };
}

interface Seen {
  readonly ends: readonly TopicEnd[];
  readonly need: Need | null;
  readonly future?: UnknownMessages;
}

async function lookAt(
  { sql, step }: RecoverParts,
  broker: Broker,
  history: History,
  positions: readonly TopicEnd[],
  own: Need | null,
): Promise<Seen> {
  const ends = await broker.ends();
  const emptied = own ?? emptiedKafka(history.known.kafkaCluster, await broker.cluster(), positions, ends);
  if (emptied?.code === "kafka.emptied") return { ends, need: emptied };
  step("Kafka is read for messages that the database does not know");
  const places = positions.map(({ topic, partition, end }) => ({ topic, partition, offset: end }));
  const future = await unknownIn(sql, broker, places);
  if (emptied !== null || future.topics.length > 0)
    return {
      ends,
      need: emptied ?? restored("Kafka holds messages of this engine that the database does not know"),
      future,
    };
  const confirmed = await broker.confirmed();
  // Read afterwards: meanwhile both go on.
  const ahead = confirmed !== null && confirmed > (await readHistory(sql)).lsn;
  return { ends, need: ahead ? restored("the connector has read further than PostgreSQL's log reaches") : null };
}

/** Offsets that were committed for what the database has forgotten, or in a topic that Kafka has lost since. */
async function movesOf(
  { transport, groups }: RecoverParts,
  { known }: History,
  need: Need,
  positions: readonly TopicEnd[],
  ends: readonly TopicEnd[],
  cluster: string,
): Promise<readonly Move[]> {
  const present = new Set(ends.map(({ topic }) => topic));
  const otherCluster = known.kafkaCluster !== null && known.kafkaCluster !== cluster;
  const moves: Move[] = [];
  for (const [group, topics] of groups) {
    const offsets = await transport.offsets(
      group,
      topics.filter((topic) => present.has(topic)),
    );
    for (const { topic, partition, earliest, committed } of offsets) {
      const reached = endOf(positions, { topic, partition });
      const isLost = otherCluster || endOf(ends, { topic, partition }) < reached;
      // What starts sagas is not ours to send again: all of it is read once more, and starts nothing twice.
      const from = group.startsWith("start.") ? earliest : Math.max(earliest, reached);
      const to = need.code === "database.restored" ? from : isLost ? earliest : committed;
      if (committed !== null && to !== null && to < committed)
        moves.push({ group, topic, partition, offset: to, from: committed });
    }
  }
  return moves;
}

/** Members of a running engine carry it out themselves; a group without any is moved from here. */
async function move(sql: Sql, broker: Broker, group: string, moves: readonly Move[]): Promise<void> {
  const positions = moves.map(({ topic, partition, offset }) => ({ topic, partition, offset }));
  if (await broker.move(group, positions)) return;
  const rows = positions.map((position) => ({ id: newId(), ...position }));
  await sql`
    insert into timeline.rewind_request (id, consumer_group, topic, partition, "offset")
    select w.id, ${group}, w.topic, w.partition, w."offset"
    from jsonb_to_recordset(${sql.json(rows)}) as w (id text, topic text, partition integer, "offset" bigint)
  `;
  const ids = sql.array(rows.map(({ id }) => id));
  const until = performance.now() + MOVED_WITHIN_MS;
  while (performance.now() < until) {
    const [open] = await sql`
      select id from timeline.rewind_request where id = any (${ids}::text[]) and done_at is null limit 1
    `;
    if (open === undefined) break;
    await Bun.sleep(PAUSE_MS);
  }
  // What starts sagas is nowhere but in Kafka: nothing sends it again.
  if (!group.startsWith("start.")) return;
  const [left] = await sql<{ problem: string | null }[]>`
    select problem from timeline.rewind_request
    where id = any (${ids}::text[]) and (done_at is null or problem is not null) limit 1
  `;
  if (left === undefined) return;
  const message = `group ${group} was not rewound: ${left.problem ?? `no member did it within ${MOVED_WITHIN_MS / 1_000} s`}`;
  const hint = "Run `ekiden recover` again: it repeats everything. If it fails again, stop the engines first.";
  throw new Refusal("group.rewind-failed", message, hint);
}

/**
 * In another PostgreSQL cluster transactions are counted anew: what is written now would count as read long ago by the
 * embedded transport. What was not read before is sent again.
 */
async function readAnew(sql: Sql): Promise<void> {
  await sql`
    update timeline.topic_log_position
    set xid = pg_snapshot_xmin(pg_current_snapshot()), owner = null, owner_until = null
    where id = 1 and xid > pg_snapshot_xmax(pg_current_snapshot())
  `;
}

async function adopt(
  { sql, transport: { broker } }: RecoverParts,
  { generation, present, known }: History,
  { need, missing, future, moves, held }: RecoverReport,
  reason: string,
  by: Operator,
): Promise<void> {
  const cluster = broker === undefined ? known.kafkaCluster : await broker.cluster();
  const ends = broker === undefined ? await readPositions(sql) : await broker.ends();
  await sql.begin(async (tx) => {
    const adopted = await tx`
      update timeline.identity set generation = generation + 1, system_identifier = ${present.systemIdentifier},
        timeline_id = ${present.timelineId}, database_oid = ${present.databaseOid}, kafka_cluster = ${cluster},
        adopted_at = clock_timestamp(), need = null, need_detail = null, needed_at = null
      where id = 1 and generation = ${generation}
      returning generation
    `;
    if (adopted.length === 0) return;
    await tx`delete from timeline.kafka_position`;
    const rows = ends.map(({ topic, partition, end }) => ({ topic, partition, end }));
    await tx`
      insert into timeline.kafka_position (topic, partition, "end")
      select w.topic, w.partition, w."end"
      from jsonb_to_recordset(${tx.json(rows)}) as w (topic text, partition integer, "end" bigint)
    `;
    // What a lost slot has swallowed was sent again with the rest.
    await tx`
      update timeline.slot_loss set closed_at = clock_timestamp(), renewed_at = coalesce(renewed_at, clock_timestamp())
      where closed_at is null
    `;
    await takePauseTurn(tx);
    await tx`
      update timeline.consumer_group set paused = false, held = false, paused_reason = null where held
    `;
    const after = { missing: missing.messages, future, moves: moves.map((one) => ({ ...one })), resumed: held };
    await tx`
      insert into timeline.audit (id, actor, action, target, reason, before, after)
      values (${newId()}, ${by.actor}, 'history.recover', 'history', ${reason},
        ${tx.json({ need: need?.code ?? null, detail: need?.detail ?? null, generation })}, ${tx.json(after as never)})
    `;
  });
}
