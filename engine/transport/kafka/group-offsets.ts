import type { Admin } from "kafkajs";

import type { PartitionOffsets, Position } from "../port.ts";
import { withDeadline } from "./deadline.ts";
import { type KafkaAccess, newKafka } from "./kafka-client.ts";
import { KafkaTransportError } from "./kafka-error.ts";
import type { Names } from "./names.ts";
import { subscribedAssigner } from "./assigner.ts";

const MOVE_TIMEOUT_MS = 30_000;

/** What offsets are read with. */
export interface OffsetReader {
  readonly admin: Admin;
  readonly names: Names;
}

/** Where a group stands in every partition of the topics (the engine's names). */
export async function readOffsets(
  { admin, names }: OffsetReader,
  group: string,
  topics: readonly string[],
): Promise<readonly PartitionOffsets[]> {
  const wanted = topics.map((topic) => names.topic(topic));
  if (wanted.length === 0) return [];
  // Committed before the ends: a group that runs on meanwhile never seems to stand behind the end.
  const committed = await admin.fetchOffsets({ groupId: names.group(group), topics: wanted });
  const ranges = await Promise.all(wanted.map((topic) => admin.fetchTopicOffsets(topic)));
  return wanted.flatMap((topic, index) => {
    const own = committed.find((one) => one.topic === topic)?.partitions ?? [];
    return (ranges[index] ?? [])
      .map(({ partition, low, high }) => {
        const offset = Number(own.find((one) => one.partition === partition)?.offset ?? -1);
        const at = { topic: names.bare(topic), partition, earliest: Number(low), end: Number(high) };
        return { ...at, committed: offset < 0 ? null : offset };
      })
      .sort((left, right) => left.partition - right.partition);
  });
}

/** As `Transport.offsetsAt`. */
export async function readOffsetsAt({ admin, names }: OffsetReader, topic: string, at: Date) {
  const found = await admin.fetchTopicOffsetsByTimestamp(names.topic(topic), at.getTime());
  return found
    .map(({ partition, offset }) => ({ partition, offset: Number(offset) }))
    .sort((left, right) => left.partition - right.partition);
}

/** @throws KafkaTransportError `kafka.offset-out-of-range` unless earliest ≤ offset ≤ end */
export function refuseOutOfRange(
  at: PartitionOffsets | undefined,
  topic: string,
  partition: number,
  offset: number,
): void {
  if (at !== undefined && offset >= at.earliest && offset <= at.end) return;
  const range = at === undefined ? "there is no such partition" : `it holds ${at.earliest} to ${at.end}`;
  const hint = "Older messages have left Kafka: `ekiden redrive` sends one again from the event store.";
  const message = `${topic}/${partition} cannot be set to ${offset}: ${range}`;
  throw new KafkaTransportError("kafka.offset-out-of-range", message, hint);
}

/**
 * As `Transport.moveIdle`. Joins the group for a moment: Kafka takes an offset from a member only, and kafkajs' own
 * way (`setOffsets`) needs five seconds.
 * @throws KafkaTransportError `kafka.group-has-members`, `kafka.offset-out-of-range`
 */
export async function moveIdleGroup(
  reader: OffsetReader,
  access: KafkaAccess,
  target: { readonly group: string; readonly topic: string; readonly partition: number; readonly offset: number },
): Promise<void> {
  const { group, topic, partition, offset } = target;
  await refuseRunning(reader, group);
  const before = await readOffsets(reader, group, [topic]);
  refuseOutOfRange(
    before.find((one) => one.partition === partition),
    topic,
    partition,
    offset,
  );
  const place = { topic: reader.names.topic(topic), partition, offset: String(offset) };
  const late = () =>
    new KafkaTransportError("kafka.join-failed", `group ${group} could not be joined to move it`, "Try again.");
  await withDeadline(commitAsMember(access, reader.names.group(group), [place]), MOVE_TIMEOUT_MS, late);
  const after = await readOffsets(reader, group, [topic]);
  if (after.find((one) => one.partition === partition)?.committed !== offset) throw late();
}

/** Sets many committed offsets of a group at once. False: it has members. @throws KafkaTransportError `kafka.join-failed` */
export async function moveWholeGroup(
  reader: OffsetReader,
  access: KafkaAccess,
  group: string,
  to: readonly Position[],
): Promise<boolean> {
  if ((await membersOf(reader, group)) > 0) return false;
  const places = to.map(({ topic, partition, offset }) => ({
    topic: reader.names.topic(topic),
    partition,
    offset: String(offset),
  }));
  const late = () =>
    new KafkaTransportError("kafka.join-failed", `group ${group} could not be joined to move it`, "Try again.");
  await withDeadline(commitAsMember(access, reader.names.group(group), places), MOVE_TIMEOUT_MS, late);
  return true;
}

async function membersOf({ admin, names }: OffsetReader, group: string): Promise<number> {
  const { groups } = await admin.describeGroups([names.group(group)]);
  return groups[0]?.members.length ?? 0;
}

async function refuseRunning(reader: OffsetReader, group: string): Promise<void> {
  const members = await membersOf(reader, group);
  if (members === 0) return;
  const hint = "Rewind it through a running engine, or stop every engine that runs this group first.";
  throw new KafkaTransportError("kafka.group-has-members", `group ${group} has ${members} running members`, hint);
}

async function commitAsMember(
  access: KafkaAccess,
  groupId: string,
  places: readonly { readonly topic: string; readonly partition: number; readonly offset: string }[],
): Promise<void> {
  const topics = [...new Set(places.map(({ topic }) => topic))];
  const partitionAssigners = [subscribedAssigner];
  const consumer = newKafka(access).consumer({
    groupId,
    partitionAssigners,
    maxWaitTimeInMs: 50,
    allowAutoTopicCreation: false,
  });
  try {
    await consumer.connect();
    await consumer.subscribe({ topics, fromBeginning: true });
    consumer.on(consumer.events.GROUP_JOIN, () => consumer.pause(topics.map((topic) => ({ topic }))));
    await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: async () => undefined });
    await consumer.commitOffsets([...places]);
  } finally {
    await consumer.disconnect();
  }
}
