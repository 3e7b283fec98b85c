import { ConfigResourceTypes } from "kafkajs";
import type { Sql } from "postgres";

import { HEARTBEAT_TOPIC, type PartHealth } from "../port.ts";
import { ConnectClient } from "./connect-client.ts";
import { connectorHealth, lossHealth, slotHealth } from "./connector-health.ts";
import { atMost, withDeadline } from "./deadline.ts";
import { type KafkaSecurity, newKafka } from "./kafka-client.ts";
import { KafkaTransportError, reasonOf } from "./kafka-error.ts";
import { Names } from "./names.ts";
import { readSlot } from "./slot.ts";
import { lostFrom, recall } from "./watch-memory.ts";

/** What is to be looked at, without an engine. */
export interface InspectOptions {
  readonly brokers: readonly string[];
  readonly prefix: string;
  readonly security?: KafkaSecurity;
}

/** A topic as Kafka has it; `partitions` 0: it does not exist. */
export interface InspectedTopic {
  readonly topic: string;
  readonly partitions: number;
  readonly replication: number;
  readonly offline: number;
  /** Null: for ever. */
  readonly retentionMs: number | null;
  readonly compacted: boolean;
}

const ANSWER_MS = 15_000;
const DISCONNECT_MS = 3_000;
const PLUGIN = "io.debezium.connector.postgresql.PostgresConnector";

/** The topics as they are. Creates nothing. @throws KafkaTransportError `kafka.unreachable` */
export async function inspectTopics(
  options: InspectOptions,
  topics: readonly string[],
): Promise<readonly InspectedTopic[]> {
  const silent = { info: () => {}, warn: () => {}, error: () => {} };
  const names = new Names(options.prefix);
  const admin = newKafka({ ...options, clientId: "ekiden-doctor", log: silent }).admin();
  const unreachable = (reason: string) =>
    new KafkaTransportError(
      "kafka.unreachable",
      `no broker of ${options.brokers.join(",")} answers: ${reason}`,
      "Is KAFKA_BROKERS right, and Kafka running?",
    );
  const look = async () => {
    await admin.connect();
    const present = new Set(await admin.listTopics());
    const wanted = topics.map((topic) => names.topic(topic));
    const found = wanted.filter((topic) => present.has(topic));
    const { topics: described } = await admin.fetchTopicMetadata({ topics: found });
    const resources = found.map((name) => ({
      type: ConfigResourceTypes.TOPIC,
      name,
      configNames: ["retention.ms", "cleanup.policy"],
    }));
    const configs =
      found.length === 0 ? [] : (await admin.describeConfigs({ resources, includeSynonyms: false })).resources;
    return wanted.map((topic): InspectedTopic => {
      const partitions = described.find(({ name }) => name === topic)?.partitions ?? [];
      const entries = configs.find(({ resourceName }) => resourceName === topic)?.configEntries ?? [];
      const value = (name: string) => entries.find((entry) => entry.configName === name)?.configValue;
      const retention = Number(value("retention.ms") ?? -1);
      return {
        topic: names.bare(topic),
        partitions: partitions.length,
        replication: Math.min(...partitions.map(({ replicas }) => replicas.length), Number.MAX_SAFE_INTEGER),
        offline: partitions.filter(({ leader }) => leader < 0).length,
        retentionMs: retention < 0 ? null : retention,
        compacted: (value("cleanup.policy") ?? "").includes("compact"),
      };
    });
  };
  try {
    return await withDeadline(look(), ANSWER_MS, () => unreachable(`nothing came within ${ANSWER_MS / 1000} s`));
  } catch (error) {
    throw error instanceof KafkaTransportError ? error : unreachable(reasonOf(error));
  } finally {
    await atMost(admin.disconnect(), DISCONNECT_MS);
  }
}

/** Version of Debezium's connector that Connect has; null: none. @throws KafkaTransportError `connector.unreachable` */
export async function pluginVersion(connectUrl: string): Promise<string | null> {
  const plugins = await new ConnectClient(connectUrl, "").plugins();
  return plugins.find((plugin) => plugin.class === PLUGIN)?.version ?? null;
}

/** Connector and slot, judged as the engine judges them, and healed by nobody. `missing` as in `KafkaTransportOptions`. */
export async function inspectRelay(
  sql: Sql,
  prefix: string,
  connectUrl: string | null,
  missing: (since: Date | null, until: Date) => Promise<number>,
): Promise<readonly PartHealth[]> {
  const names = new Names(prefix);
  const client = connectUrl === null ? null : new ConnectClient(connectUrl, names.connector);
  const [slot, memory] = await Promise.all([readSlot(sql, names.slot), recall(sql, names.slot)]);
  const parts: PartHealth[] = [];
  if (client !== null) {
    const status = await client.status().catch((error: unknown) => reasonOf(error));
    const trouble = typeof status === "string" ? status : undefined;
    const known = typeof status === "string" ? undefined : status;
    parts.push(connectorHealth({ status: known, memory, trouble }));
  }
  const seen = memory.slotSeen;
  parts.push(slotHealth({ name: names.slot, slot, silentMs: 0, managed: client !== null, seen, trouble: undefined }));
  const { loss } = memory;
  if (loss !== null) parts.push(lossHealth(loss, await missing(lostFrom(loss), loss.renewedAt ?? new Date())));
  return parts;
}

/** Topics that have to exist: those that requests have named, and the heartbeats'. */
export async function knownTopics(sql: Sql): Promise<readonly string[]> {
  const rows = await sql<{ name: string }[]>`select name from timeline.topic order by name`;
  return rows.map(({ name }) => name);
}

/** True: it has one partition whatever is configured. */
export function isHeartbeats(topic: string): boolean {
  return topic === HEARTBEAT_TOPIC;
}
