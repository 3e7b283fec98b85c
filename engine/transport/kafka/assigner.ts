import { AssignerProtocol, type PartitionAssigner } from "kafkajs";

const NAME = "EkidenAssigner";
const VERSION = 1;

/**
 * Divides partitions among the members that subscribed to their topic. kafkajs' own round robin gives every member
 * partitions of the leader's topics: while processes with an old and a new set of topics run side by side, it hands
 * partitions to members that do not read them, and nobody does.
 */
export const subscribedAssigner: PartitionAssigner = ({ cluster }) => ({
  name: NAME,
  version: VERSION,

  protocol({ topics }) {
    const metadata = { version: VERSION, topics, userData: Buffer.alloc(0) };
    return { name: NAME, metadata: AssignerProtocol.MemberMetadata.encode(metadata) };
  },

  async assign({ members }) {
    const wishes = members.map(({ memberId, memberMetadata }) => ({
      memberId,
      topics: AssignerProtocol.MemberMetadata.decode(memberMetadata)?.topics ?? [],
    }));
    const topics = [...new Set(wishes.flatMap((wish) => wish.topics))].sort();
    await cluster.addMultipleTargetTopics(topics);
    const sizes = topics.map((topic) => ({ topic, partitions: cluster.findTopicPartitionMetadata(topic).length }));
    return [...divide(wishes, sizes)].map(([memberId, assignment]) => {
      const encoded = { version: VERSION, assignment, userData: Buffer.alloc(0) };
      return { memberId, memberAssignment: AssignerProtocol.MemberAssignment.encode(encoded) };
    });
  },
});

/** Each partition to one member that wants its topic, in turn over all topics. Members: in the order of their ids. */
export function divide(
  wishes: readonly { readonly memberId: string; readonly topics: readonly string[] }[],
  sizes: readonly { readonly topic: string; readonly partitions: number }[],
): Map<string, Record<string, number[]>> {
  const ordered = [...wishes].sort((left, right) => (left.memberId < right.memberId ? -1 : 1));
  const shares = new Map(ordered.map(({ memberId }) => [memberId, {} as Record<string, number[]>]));
  const counts = new Map(ordered.map(({ memberId }) => [memberId, 0]));
  for (const { topic, partitions } of sizes) {
    const willing = ordered.filter((wish) => wish.topics.includes(topic)).map((wish) => wish.memberId);
    for (let partition = 0; partition < partitions && willing.length > 0; partition += 1) {
      const least = willing.reduce((best, one) => ((counts.get(one) ?? 0) < (counts.get(best) ?? 0) ? one : best));
      counts.set(least, (counts.get(least) ?? 0) + 1);
      const share = shares.get(least) ?? {};
      share[topic] = [...(share[topic] ?? []), partition];
    }
  }
  return shares;
}
