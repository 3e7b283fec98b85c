import type { Admin, ITopicConfig } from "kafkajs";
import type { Sql } from "postgres";

import { HEARTBEAT_TOPIC } from "../port.ts";
import { type KafkaAccess, newKafka } from "./kafka-client.ts";
import { KafkaTransportError, reasonOf } from "./kafka-error.ts";
import type { Names } from "./names.ts";

/** Where topics are made and noted. */
export interface TopicKeeper extends KafkaAccess {
  readonly admin: Admin;
  readonly sql: Sql;
  readonly names: Names;
  readonly partitions: number;
  readonly replication: number;
}

/** Nothing of what beats is needed later. */
const BEATS_KEPT = { "retention.ms": "3600000" };
const SHOWN_WITHIN_MS = 30_000;
const PAUSE_MS = 50;

/**
 * Makes the topics exist and notes them in `timeline.topic`, in that order: a row of the outbox that names a topic
 * which Kafka lacks stops the connector for everybody. Answers which have another number of partitions than configured:
 * they keep it, since more partitions would tear the order of a key apart.
 * @throws KafkaTransportError `kafka.topic-missing`
 */
export async function ensureTopics(keeper: TopicKeeper, topics: readonly string[]): Promise<readonly string[]> {
  if (topics.length === 0) return [];
  const wanted = topics.map((topic) => keeper.names.topic(topic));
  const beats = keeper.names.topic(HEARTBEAT_TOPIC);
  if (wanted.includes(beats)) await createMissing(keeper, [beats], 1, BEATS_KEPT);
  await createMissing(keeper, wanted, keeper.partitions, {});
  const counts = await partitionCounts(keeper.admin, wanted);
  await keeper.sql`
    insert into timeline.topic (name) select unnest(${[...topics]}::text[]) on conflict (name) do nothing
  `;
  return [...counts]
    .filter(([topic, count]) => count !== keeper.partitions && topic !== beats)
    .map(([topic, count]) => `${topic} has ${count} partitions, ${keeper.partitions} are configured`);
}

/** Also the topics of earlier runs: requests may name them, and after Kafka was wiped they would stop the connector. */
export async function prepareTopics(keeper: TopicKeeper): Promise<void> {
  await ensureHeartbeatTopic(keeper);
  const known = await keeper.sql<{ name: string }[]>`select name from timeline.topic order by name`;
  await ensureTopics(
    keeper,
    known.map((row) => row.name),
  );
}

/** Topics that requests may name and that Kafka does not have. */
export async function missingTopics({ admin, names, sql }: TopicKeeper): Promise<readonly string[]> {
  const known = await sql<{ name: string }[]>`select name from timeline.topic order by name`;
  const present = new Set(await admin.listTopics());
  const wanted = [...known.map(({ name }) => names.topic(name)), names.heartbeatTopic];
  return wanted.filter((topic) => !present.has(topic));
}

/** The topic that the connector beats on; nobody reads it. */
async function ensureHeartbeatTopic(keeper: TopicKeeper): Promise<void> {
  await createMissing(keeper, [keeper.names.heartbeatTopic], 1, BEATS_KEPT);
  await partitionCounts(keeper.admin, [keeper.names.heartbeatTopic]);
}

async function createMissing(
  keeper: TopicKeeper,
  wanted: readonly string[],
  partitions: number,
  config: Readonly<Record<string, string>>,
): Promise<void> {
  const { admin, replication, log } = keeper;
  const present = new Set(await admin.listTopics());
  const missing = wanted.filter((topic) => !present.has(topic));
  if (missing.length === 0) return;
  // With three copies two must have a record before it counts, or the loss of one broker could lose it.
  const entries = { ...config, ...(replication >= 3 && { "min.insync.replicas": "2" }) };
  const configEntries = Object.entries(entries).map(([name, value]) => ({ name, value }));
  const plan = { numPartitions: partitions, replicationFactor: replication, configEntries };
  try {
    await createTopics(
      keeper,
      missing.map((topic) => ({ topic, ...plan })),
    );
    log.info("topics created", { topics: missing, partitions, replication });
  } catch (error) {
    // Another process may have made some of them at the same time; whether all exist is seen in the metadata.
    log.info("topics were not all created here", { reason: reasonOf(error) });
  }
}

/** With a client of its own: kafkajs first asks for every topic that a client has touched, and fails if one is deleted. */
async function createTopics(access: KafkaAccess, topics: ITopicConfig[]): Promise<void> {
  const admin = newKafka(access).admin();
  await admin.connect();
  try {
    await admin.createTopics({ topics, timeout: 15_000 });
  } finally {
    await admin.disconnect();
  }
}

async function partitionCounts(admin: Admin, wanted: readonly string[]): Promise<Map<string, number>> {
  const deadline = Date.now() + SHOWN_WITHIN_MS;
  for (;;) {
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [...wanted] });
      const led = topics.filter(({ partitions }) => partitions.every((partition) => partition.leader >= 0));
      if (led.length === wanted.length) return new Map(led.map(({ name, partitions }) => [name, partitions.length]));
    } catch (error) {
      if (Date.now() >= deadline) throw missing(wanted, error);
    }
    if (Date.now() >= deadline) throw missing(wanted);
    await Bun.sleep(PAUSE_MS);
  }
}

function missing(wanted: readonly string[], cause?: unknown): KafkaTransportError {
  const hint = "May this client create topics, and are there enough brokers for KAFKA_REPLICATION?";
  const message = `topics do not show up in Kafka: ${wanted.join(", ")}${cause === undefined ? "" : `: ${reasonOf(cause)}`}`;
  return new KafkaTransportError("kafka.topic-missing", message, hint, { cause });
}
