import type { Committed, LogRecord } from "./checker/evidence.ts";
import { bareKafka } from "./faults-of-kafka.ts";
import { PREFIX, type World } from "./world.ts";

const READ_MS = 300_000;

/** How far each group of the engine is in each partition that it has committed. */
export async function committedOffsets(world: World): Promise<readonly Committed[]> {
  const admin = bareKafka(world).admin();
  await admin.connect();
  try {
    const { groups } = await admin.listGroups();
    const own = groups.map(({ groupId }) => groupId).filter((id) => id.startsWith(PREFIX));
    const all = await Promise.all(
      own.map(async (groupId) =>
        (await admin.fetchOffsets({ groupId })).flatMap(({ topic, partitions }) =>
          partitions
            .filter(({ offset }) => Number(offset) >= 0)
            .map(({ partition, offset }) => ({
              group: groupId.slice(PREFIX.length),
              topic: topic.slice(PREFIX.length),
              partition,
              offset: Number(offset),
            })),
        ),
      ),
    );
    return all.flat();
  } finally {
    await admin.disconnect();
  }
}

/** Everything that lies in the engine's topics, as a client of Kafka reads it. */
export async function readLog(world: World): Promise<readonly LogRecord[]> {
  const kafka = bareKafka(world);
  const admin = kafka.admin();
  await admin.connect();
  // The connector has topics of its own beside those of the outbox, with other bodies.
  const known = await world.sql<{ name: string }[]>`select name from timeline.topic where name !~* 'heartbeat'`;
  const own = new Set(known.map(({ name }) => PREFIX + name));
  const topics = (await admin.listTopics()).filter((topic) => own.has(topic));
  const ends = new Map<string, number>();
  for (const topic of topics)
    for (const { partition, high, low } of await admin.fetchTopicOffsets(topic))
      if (Number(high) > Number(low)) ends.set(`${topic}/${partition}`, Number(high));
  await admin.disconnect();
  const records: LogRecord[] = [];
  const consumer = kafka.consumer({ groupId: `checker-${crypto.randomUUID()}` });
  await consumer.connect();
  try {
    await consumer.subscribe({ topics, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`Kafka was not read within ${READ_MS} ms`)), READ_MS);
      const done = () => {
        clearTimeout(timer);
        resolve();
      };
      if (ends.size === 0) return done();
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
      const running = consumer.run({
        autoCommit: false,
        partitionsConsumedConcurrently: 8,
        eachBatch: async ({ batch }) => {
          for (const { key, value, headers, offset } of batch.messages) {
            const texts = Object.fromEntries(
              Object.entries(headers ?? {}).map(([name, text]) => [name, text?.toString() ?? ""]),
            );
            records.push({
              topic: batch.topic.slice(PREFIX.length),
              partition: batch.partition,
              offset: Number(offset),
              messageId: texts["id"] ?? "",
              key: key?.toString() ?? "",
              headers: contractual(texts),
              body: JSON.parse(value?.toString() ?? "null"),
            });
          }
          const place = `${batch.topic}/${batch.partition}`;
          if (Number(batch.lastOffset()) + 1 >= (ends.get(place) ?? Number.POSITIVE_INFINITY)) ends.delete(place);
          if (ends.size === 0) done();
        },
      });
      void running.catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
  return records;
}

const HEADERS = [
  "correlation_id",
  "causation_id",
  "type",
  "producer",
  "saga",
  "step_key",
  "action",
  "attempt",
] as const;

/** The headers that the design promises; an absent one is null there, and not here. */
function contractual(headers: Readonly<Record<string, string>>): Record<string, string> {
  const named = HEADERS.map((name) => [name, headers[name]] as const);
  return Object.fromEntries(
    named.filter((pair): pair is readonly [(typeof HEADERS)[number], string] => Boolean(pair[1])),
  );
}
