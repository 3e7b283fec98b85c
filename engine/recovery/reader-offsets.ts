import type { PartitionOffsets, Transport } from "../transport/port.ts";

/** Under which group the messages of a topic are claimed, and in which one they are read. */
export interface Reading {
  readonly group: string;
  readonly reader: string;
}

/**
 * Where a topic stands for whoever reads it. Kafka may keep from us where another program stands, in a group that our login has
 * no right to: then that is as if it had committed nothing, and fails nothing else that is looked at.
 */
export async function readerOffsets(
  transport: Pick<Transport, "offsets">,
  { group, reader }: Reading,
  topic: string,
): Promise<readonly PartitionOffsets[]> {
  try {
    return await transport.offsets(reader, [topic]);
  } catch (error) {
    if (reader === group) throw error;
    // kafkajs does not say why; where it was not for the right, this fails too.
    const places = await transport.offsets(group, [topic]);
    return places.map((place) => ({ ...place, committed: null }));
  }
}
