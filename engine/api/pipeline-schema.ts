import * as v from "valibot";

import { LagSeconds } from "./group-schema.ts";
import { HealthPart } from "./health-schema.ts";

const bytes = (what: string) => v.pipe(v.nullable(v.number()), v.description(what));
const time = (what: string) => v.pipe(v.string(), v.isoTimestamp(), v.description(what));
const maybeTime = (what: string) => v.pipe(v.nullable(v.string()), v.description(what));
const ms = (what: string) => v.pipe(v.nullable(v.number()), v.description(what));
const count = (what: string) => v.pipe(v.number(), v.integer(), v.description(what));
const text = (what: string) => v.pipe(v.nullable(v.string()), v.description(what));

export const PipelineTask = v.pipe(
  v.strictObject({
    id: count("Its number"),
    state: v.pipe(v.string(), v.examples(["RUNNING"])),
    trace: text("First line of its trace, when it has failed"),
  }),
  v.description("A task of the connector"),
);

export const PipelineConnector = v.pipe(
  v.strictObject({
    name: v.string(),
    managed: v.pipe(v.boolean(), v.description("False: there is no KAFKA_CONNECT_URL; nobody asks Kafka Connect")),
    state: text("As Kafka Connect says; null: it does not know the connector, or was not asked"),
    tasks: v.array(PipelineTask),
    restarts: count("Restarts after failures, by all processes"),
    failures: count("Failures in a row; 0 once it has run for two minutes"),
    lastFailure: text("What failed last"),
    lastFailureAt: maybeTime("When"),
    trouble: text("Why Kafka Connect could not be asked"),
  }),
  v.description("Debezium's connector"),
);

export const PipelineSlot = v.pipe(
  v.strictObject({
    name: v.string(),
    exists: v.boolean(),
    active: v.pipe(v.boolean(), v.description("Somebody reads it")),
    walStatus: text("reserved, extended, unreserved or lost"),
    unconfirmedBytes: bytes("WAL that the connector has not confirmed"),
    keptBytes: bytes("WAL that PostgreSQL keeps for it"),
    safeBytes: bytes("WAL that may still be written before the slot is lost; null: there is no limit"),
    maxKeepBytes: bytes("That limit, max_slot_wal_keep_size; null: there is none, and the disk is the limit"),
    trouble: text("Why it could not be read"),
  }),
  v.description("The replication slot"),
);

export const PipelinePublication = v.pipe(
  v.strictObject({
    name: v.string(),
    tables: v.pipe(
      v.nullable(v.array(v.string())),
      v.description("Empty: it does not exist, and nothing is delivered; null: it could not be read"),
    ),
  }),
  v.description("What of the database the connector is given"),
);

export const PipelineTopic = v.pipe(
  v.strictObject({
    topic: v.pipe(v.string(), v.examples(["screening.examine"])),
    partitions: v.pipe(v.nullable(v.number()), v.description("Null: no consumer group reads it"), v.examples([6])),
    groups: v.pipe(v.array(v.string()), v.description("Consumer groups that read it")),
  }),
  v.description("A topic that requests have named"),
);

export const PipelineLoss = v.pipe(
  v.strictObject({
    cause: v.string(),
    since: maybeTime("What was written before has arrived; null: not known"),
    until: maybeTime("What was written from then on arrives; null: there is no new slot yet"),
    missing: v.pipe(
      v.nullable(v.number()),
      v.description("Requests of that time that are not consumed from Kafka, at most 1,000; null: not counted yet"),
    ),
  }),
  v.description("A loss of the slot that is not made good yet"),
);

export const PipelineTrip = v.pipe(
  v.strictObject({
    messageId: v.string(),
    writtenAt: time("Row written, database's clock"),
    recordedAt: time("Record time in the transport, connector's clock"),
    receivedAt: time("Received by the consumer, its clock"),
    returnedAt: time("Written down in the database, its clock"),
    toTransportMs: v.pipe(v.number(), v.description("Written to recorded")),
    toConsumerMs: v.pipe(v.number(), v.description("Recorded to received")),
    toDatabaseMs: v.pipe(v.number(), v.description("Received to written down")),
    roundTripMs: v.pipe(v.number(), v.description("All of it, by one clock")),
  }),
  v.description("A heartbeat that came back. A hop below zero: the clocks differ"),
);

export const PipelineHeartbeat = v.pipe(
  v.strictObject({
    last: v.pipe(v.nullable(PipelineTrip), v.description("The last that came back")),
    ageMs: ms("Since that one was written"),
    outMs: ms("For how long the next has been on its way; null: none is"),
  }),
  v.description("The message that is sent the whole way every few seconds"),
);

export const PipelineGroup = v.pipe(
  v.strictObject({
    group: v.string(),
    lag: count("Messages not consumed yet"),
    lagSeconds: LagSeconds,
    paused: v.boolean(),
    pausedReason: v.nullable(v.string()),
  }),
  v.description("A consumer group's lag"),
);

export const Pipeline = v.pipe(
  v.strictObject({
    transport: v.picklist(["kafka", "embedded"]),
    connector: v.pipe(v.nullable(PipelineConnector), v.description("Null on the embedded transport")),
    slot: v.pipe(v.nullable(PipelineSlot), v.description("Null on the embedded transport")),
    publication: v.pipe(v.nullable(PipelinePublication), v.description("Null on the embedded transport")),
    loss: v.nullable(PipelineLoss),
    heartbeat: PipelineHeartbeat,
    groups: v.array(PipelineGroup),
    topics: v.array(PipelineTopic),
    auditor: v.pipe(
      v.strictObject({
        late: count("Requests that are late: not consumed by a group that should have"),
        republished: count("Requests that were lost on their way and sent again, ever"),
      }),
      v.description("What the auditor has found"),
    ),
    diskFreeBytes: bytes("Free space where PostgreSQL's data lies, when that is this machine"),
    parts: v.array(HealthPart),
  }),
  v.description("The way of a message from the outbox to its consumer"),
);
