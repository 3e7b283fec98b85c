import { AssignerProtocol } from "kafkajs";

import type { PartitionOffsets, PartitionOwner } from "../port.ts";
import { type OffsetReader, readOffsetsAt } from "./group-offsets.ts";

/** An age is told to the second, and a great one to a sixteenth of it. */
const EXACT_MS = 1_000;
const EXACT_SHARE = 1 / 16;
const GROWS = 4;
/** Before the client's name in the names of its clients. */
const CLIENT = /^ekiden-/;

/** As `Transport.owners`. */
export async function readOwners({ admin, names }: OffsetReader, group: string): Promise<readonly PartitionOwner[]> {
  const { groups } = await admin.describeGroups([names.group(group)]);
  return (groups[0]?.members ?? []).flatMap(({ clientId, memberAssignment }) => {
    // Empty while the group is divided anew.
    const assigned = memberAssignment.length === 0 ? null : AssignerProtocol.MemberAssignment.decode(memberAssignment);
    const owner = clientId.replace(CLIENT, "");
    return Object.entries(assigned?.assignment ?? {}).flatMap(([topic, partitions]) =>
      partitions.map((partition) => ({ topic: names.bare(topic), partition, owner })),
    );
  });
}

/**
 * As `Transport.waitingMs`. Kafka tells where a time lies, and not when a record was written: the time is searched for,
 * from now backwards in growing steps and then by halves, a handful of questions to the broker for each topic.
 */
export async function readWaitingMs(reader: OffsetReader, places: readonly PartitionOffsets[]): Promise<number | null> {
  const waiting = places
    .map(({ topic, partition, earliest, end, committed }) => {
      const next = Math.max(committed ?? earliest, earliest);
      return { topic, partition, next, end };
    })
    .filter(({ next, end }) => next < end);
  if (waiting.length === 0) return null;
  const topics = [...Map.groupBy(waiting, ({ topic }) => topic)];
  const now = Date.now();
  const isYounger = async (ageMs: number) => {
    const found = await Promise.all(
      topics.map(async ([topic, own]) => {
        const at = await readOffsetsAt(reader, topic, new Date(now - ageMs));
        return own.every(({ partition, next }) => (at.find((one) => one.partition === partition)?.offset ?? 0) <= next);
      }),
    );
    return found.every((each) => each);
  };
  return searchAge(isYounger, now - 1);
}

/** The least age below which all are, `mostMs` at most. */
export async function searchAge(isYounger: (ageMs: number) => Promise<boolean>, mostMs: number): Promise<number> {
  let older = 0;
  let younger = EXACT_MS;
  while (younger < mostMs && !(await isYounger(younger))) {
    older = younger;
    younger = Math.min(younger * GROWS, mostMs);
  }
  while (younger - older > Math.max(EXACT_MS, older * EXACT_SHARE)) {
    const middle = (older + younger) / 2;
    if (await isYounger(middle)) younger = middle;
    else older = middle;
  }
  return Math.round(younger);
}
