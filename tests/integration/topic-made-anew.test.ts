import { afterAll, beforeAll, expect, test } from "bun:test";

import { Collector, KafkaBench, until, writeRequest } from "../support/kafka.ts";

const TIMEOUT_MS = 120_000;

let bench: KafkaBench;

beforeAll(async () => {
  bench = await KafkaBench.start();
}, TIMEOUT_MS);

afterAll(() => bench?.stop(), TIMEOUT_MS);

// Kafka forgets a group's offsets with the topic, but a member that runs remembers where it stood, and the new topic
// begins at 0: everything in it looks as if it had been taken in before.
test(
  "a topic that is deleted and made again under a running consumer is read from its beginning, and its offsets are committed",
  async () => {
    const transport = await bench.transport({ partitions: 1 });
    await transport.ensureTopics(["timeline"]);
    const collector = new Collector();
    await transport.subscribe(collector);
    for (let n = 0; n < 20; n += 1) await writeRequest(bench.sql, { key: `before-${n}` });
    await collector.has(20);

    const admin = bench.kafka().admin();
    await admin.connect();
    const topic = bench.names.topic("timeline");
    await admin.deleteTopics({ topics: [topic] });
    await transport.ensureTopics(["timeline"]);
    await admin.disconnect();
    for (let n = 0; n < 5; n += 1) await writeRequest(bench.sql, { key: `after-${n}` });

    await collector.has(25);
    await until("all is committed", async () => {
      const [at] = await transport.offsets("dispatcher", ["timeline"]);
      return at?.committed === at?.end;
    });
    expect(bench.fatal).toEqual([]);
  },
  TIMEOUT_MS,
);
