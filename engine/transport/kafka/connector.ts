import { KafkaTransportError } from "./kafka-error.ts";
import { Names } from "./names.ts";

/** What the connector's configuration depends on. */
export interface ConnectorOptions {
  readonly prefix: string;
  /** Where Kafka Connect reaches the database; not through a pooler, which cannot replicate. */
  readonly databaseUrl: string;
  readonly slot: string;
  readonly publication: string;
  readonly connectorName: string;
}

const STRING_CONVERTER = "org.apache.kafka.connect.storage.StringConverter";

// Connect guesses the type of a header's literal. `1.0` becomes the integer 1 and `"1.0"` keeps its quotes; this has a
// fraction, so it becomes a float, and that float is written 1.0.
const ALMOST_ONE = "1.00000000000000001";

/** Column → header. The second placements make each message a CloudEvent in binary mode. */
const PLACEMENTS = [
  "correlation_id:header",
  "causation_id:header",
  "message_type:header:type",
  "producer:header",
  "saga:header",
  "step_key:header",
  "action:header",
  "attempt:header",
  "traceparent:header",
  "message_headers:header:headers",
  "message_id:header:ce_id",
  "message_type:header:ce_type",
  "producer:header:ce_source",
  "correlation_id:header:ce_subject",
  "requested_at:header:ce_time",
];

/**
 * Configuration of Debezium's PostgreSQL connector (3.7.0 or newer: 3.6 loses rows on stop and resume) as
 * `PUT /connectors/<name>/config` takes it. Holds the database's password. @throws `connector.bad-database-url`
 */
export function connectorConfig(options: ConnectorOptions): Record<string, string> {
  const names = new Names(options.prefix);
  return {
    name: options.connectorName,
    "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
    "tasks.max": "1",
    ...databaseSettings(options.databaseUrl),
    ...captureSettings(options, names),
    ...pace,
    ...failureSettings,
    "key.converter": STRING_CONVERTER,
    "value.converter": STRING_CONVERTER,
    "header.converter": STRING_CONVERTER,
    transforms: "outbox,specversion,contenttype",
    ...routerSettings(names),
    ...insertedHeader("specversion", "ce_specversion", ALMOST_ONE),
    ...insertedHeader("contenttype", "content-type", "application/json"),
  };
}

/** The same without its secrets, for logs and screens. */
export function withoutSecrets(config: Readonly<Record<string, string>>): Record<string, string> {
  return { ...config, "database.password": "********" };
}

function databaseSettings(databaseUrl: string): Record<string, string> {
  const url = URL.canParse(databaseUrl) ? new URL(databaseUrl) : undefined;
  if (url === undefined || !/^postgres(ql)?:$/.test(url.protocol) || url.hostname === "" || url.pathname.length < 2) {
    const hint = "DATABASE_URL is postgres://user:password@host:5432/database.";
    throw new KafkaTransportError("connector.bad-database-url", "the database's address cannot be read", hint);
  }
  const sslMode = url.searchParams.get("sslmode");
  return {
    "database.hostname": url.hostname.replace(/^\[(.*)\]$/, "$1"),
    "database.port": url.port || "5432",
    "database.user": decodeURIComponent(url.username),
    "database.password": decodeURIComponent(url.password),
    "database.dbname": decodeURIComponent(url.pathname.slice(1)),
    ...(sslMode !== null && { "database.sslmode": sslMode }),
    // Files of the machine that Kafka Connect runs on; the driver takes a client's key as PKCS #8 in DER.
    ...Object.fromEntries(
      ["sslrootcert", "sslcert", "sslkey"].flatMap((name) => {
        const file = url.searchParams.get(name);
        return file === null ? [] : [[`database.${name}`, file]];
      }),
    ),
  };
}

function captureSettings({ slot, publication }: ConnectorOptions, names: Names): Record<string, string> {
  return {
    "plugin.name": "pgoutput",
    "slot.name": slot,
    "slot.failover": "true",
    "publication.name": publication,
    "publication.autocreate.mode": "disabled",
    // The heartbeat's table is published, so that the slot moves, but not routed: it has no body.
    "table.include.list": "timeline.event_request,timeline.event_republish",
    // Every login may put messages into the log (pg_logical_emit_message). The connector would send them to a topic that
    // nobody made, and stand still for everybody.
    "message.prefix.exclude.list": ".*",
    "snapshot.mode": "no_data",
    "skipped.operations": "u,d,t",
    "topic.prefix": names.pipeline,
    "heartbeat.interval.ms": "5000",
    "topic.heartbeat.prefix": names.heartbeatTopicPrefix,
    // Since PostgreSQL 15 only a write to a published table moves an idle slot.
    "heartbeat.action.query": "update timeline.heartbeat set ts = clock_timestamp() where id = 1",
    "extended.headers.enabled": "false",
    // Only what the worker offers: without it some rows come twice after a crash, and are skipped.
    "exactly.once.support": "requested",
  };
}

// Debezium's defaults cost half a second for each hop: it waits up to twice the poll interval while idle. Measured, for one saga
// of eight hops and Connect's share of a core while idle: 5 ms 60 ms and 19 %, 4 ms 51 and 22, 3 ms 49 and 26.
const pace: Record<string, string> = {
  "poll.interval.ms": "4",
  "max.batch.size": "512",
  "max.queue.size": "8192",
  "max.queue.size.in.bytes": "67108864",
  "status.update.interval.ms": "1000",
  "producer.override.linger.ms": "0",
  "producer.override.compression.type": "none",
  // With exactly-once a task that fails to send hangs, RUNNING, until its open transaction times out (60 s by default).
  "producer.override.transaction.timeout.ms": "10000",
};

// Retry for ever, and rather stand still than skip a row.
const failureSettings: Record<string, string> = {
  "errors.max.retries": "-1",
  "retriable.restart.connector.wait.ms": "1000",
  "event.processing.failure.handling.mode": "fail",
  "offset.mismatch.strategy": "trust_offset",
};

function routerSettings(names: Names): Record<string, string> {
  const settings = {
    type: "io.debezium.transforms.outbox.EventRouter",
    "table.field.event.id": "message_id",
    "table.field.event.key": "message_key",
    "table.field.event.payload": "message_body",
    "route.by.field": "topic",
    "route.topic.replacement": `${names.prefix}${"${routedByValue}"}`,
    "table.op.invalid.behavior": "warn",
    "table.fields.additional.placement": PLACEMENTS.join(","),
  };
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [`transforms.outbox.${name}`, value]));
}

/** `literal` is parsed by Connect, which guesses its type. */
function insertedHeader(transform: string, header: string, literal: string): Record<string, string> {
  return {
    [`transforms.${transform}.type`]: "org.apache.kafka.connect.transforms.InsertHeader",
    [`transforms.${transform}.header`]: header,
    [`transforms.${transform}.value.literal`]: literal,
  };
}
