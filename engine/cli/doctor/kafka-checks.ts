import type { Config } from "../../config.ts";
import { countMissing } from "../../recovery/republish-scan.ts";
import type { Sql } from "../../timeline/database.ts";
import {
  inspectRelay,
  inspectTopics,
  isHeartbeats,
  knownTopics,
  pluginVersion,
} from "../../transport/kafka/inspect.ts";
import type { PartHealth } from "../../transport/port.ts";
import { checked, fault, type Finding, fine } from "../../recovery/doctor/finding.ts";

type Kafka = NonNullable<Config["kafka"]>;

/** A group that is paused over a weekend, or rewound by some days, must still find its messages. */
const RETENTION_MIN_MS = 3 * 24 * 3_600_000;
const START_KAFKA = "Start Kafka, or correct KAFKA_BROKERS.";
const START_CONNECT = "Start Kafka Connect, or correct KAFKA_CONNECT_URL: curl $KAFKA_CONNECT_URL/connectors";

/** Kafka, its topics, Kafka Connect, connector and slot. `sql` null: the database does not answer. */
export async function kafkaChecks(kafka: Kafka, prefix: string, sql: Sql | null): Promise<readonly Finding[]> {
  const topics = sql === null ? ["timeline"] : await knownTopics(sql);
  const { connectUrl } = kafka;
  return [
    ...(await checked("kafka", START_KAFKA, () => topicChecks(kafka, prefix, topics))),
    ...(connectUrl === null
      ? [fine("connect", "managed elsewhere: there is no KAFKA_CONNECT_URL")]
      : await checked("connect", START_CONNECT, () => pluginChecks(connectUrl))),
    ...(sql === null
      ? []
      : await checked("connector", START_CONNECT, async () =>
          relayChecks(await inspectRelay(sql, prefix, connectUrl, (since, until) => countMissing(sql, since, until))),
        )),
  ];
}

async function topicChecks(kafka: Kafka, prefix: string, names: readonly string[]): Promise<readonly Finding[]> {
  const topics = await inspectTopics({ brokers: kafka.brokers, prefix, security: kafka.security }, names);
  const faults = topics.flatMap((topic): Finding[] => {
    const bad = (level: "warn" | "red", detail: string, fix: string) => [
      fault(level, "topics", `topic ${topic.topic} ${detail}`, fix),
    ];
    if (topic.partitions === 0)
      return bad(
        "red",
        "does not exist: the connector stops at the first message to it",
        "Start the engine: it makes its topics; then bun run ekiden republish --missing-only",
      );
    if (topic.offline > 0)
      return bad("red", `has ${topic.offline} partitions without a leader`, "Start the brokers that hold them.");
    if (topic.compacted)
      return bad(
        "red",
        "is compacted: of each saga only the newest message stays",
        `kafka-configs.sh --alter --topic ${prefix}${topic.topic} --add-config cleanup.policy=delete`,
      );
    if (isHeartbeats(topic.topic)) return [];
    return [
      ...(topic.partitions === kafka.partitions
        ? []
        : bad(
            "warn",
            `has ${topic.partitions} partitions, KAFKA_PARTITIONS says ${kafka.partitions}`,
            "The engine works with them as they are: KAFKA_PARTITIONS counts for topics that it makes. Add none to a topic in use, which breaks the order of a key.",
          )),
      ...(topic.replication >= kafka.replication
        ? []
        : bad(
            "warn",
            `has ${topic.replication} copies, KAFKA_REPLICATION says ${kafka.replication}`,
            "kafka-reassign-partitions.sh adds copies.",
          )),
      ...(topic.retentionMs === null || topic.retentionMs >= RETENTION_MIN_MS
        ? []
        : bad(
            "warn",
            `keeps messages for ${Math.round(topic.retentionMs / 3_600_000)} hours: a longer pause or rewind needs them from the event store`,
            `kafka-configs.sh --alter --topic ${prefix}${topic.topic} --add-config retention.ms=604800000`,
          )),
    ];
  });
  return [
    fine("kafka", `${kafka.brokers.join(", ")} answers`),
    ...(faults.length > 0 ? faults : [fine("topics", `${topics.length} topics are as configured`)]),
  ];
}

async function pluginChecks(connectUrl: string): Promise<readonly Finding[]> {
  const version = await pluginVersion(connectUrl);
  const fix = "Put debezium-connector-postgres 3.7.0 or newer on Kafka Connect's plugin path, and restart it.";
  if (version === null)
    return [fault("red", "connect", "Debezium's PostgreSQL connector is not on the plugin path", fix)];
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > 3 || (major === 3 && minor >= 7)) return [fine("connect", `answers, with Debezium ${version}`)];
  return [fault("red", "connect", `Debezium ${version} loses rows when it is stopped and resumed`, fix)];
}

function relayChecks(parts: readonly PartHealth[]): readonly Finding[] {
  return parts.map(({ part, ok, detail, hint }) => (ok ? fine(part, detail) : fault("red", part, detail, hint ?? "")));
}
