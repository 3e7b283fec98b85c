import { afterAll, beforeAll, expect, test } from "bun:test";

import { Collector, KafkaBench, until } from "../support/kafka.ts";

const timeoutMs = 120_000;
/** More than a group takes in. */
const MANY = 2_100;

let bench: KafkaBench;

beforeAll(async () => {
  bench = await KafkaBench.start();
}, timeoutMs);

afterAll(() => bench.stop(), timeoutMs);

/** In partitions 0 and 2 one message each and the control record that ends its transaction; in partition 1 many messages. */
async function fill(topic: string): Promise<void> {
  const kafka = bench.kafka();
  const transactional = kafka.producer({
    transactionalId: crypto.randomUUID(),
    idempotent: true,
    maxInFlightRequests: 1,
  });
  const plain = kafka.producer();
  await Promise.all([transactional.connect(), plain.connect()]);
  const transaction = await transactional.transaction();
  const messages = [0, 2].map((partition) => ({ partition, key: `k${partition}`, value: "{}" }));
  await transaction.send({ topic, messages });
  await transaction.commit();
  const many = Array.from({ length: MANY }, (_, n) => ({ partition: 1, key: `many ${n}`, value: "{}" }));
  await plain.send({ topic, messages: many });
  await Promise.all([transactional.disconnect(), plain.disconnect()]);
}

test(
  "control records that were fetched before a rewind do not undo it",
  async () => {
    const transport = await bench.transport();
    await transport.ensureTopics(["timeline"]);
    const topic = bench.names.topic("timeline");
    await fill(topic);
    const admin = bench.kafka().admin();
    await admin.connect();
    // The group has consumed the two messages, and stands at the control records behind them.
    const partitions = [1, 0, 1].map((offset, partition) => ({ partition, offset: String(offset) }));
    await admin.setOffsets({ groupId: bench.names.group("dispatcher"), topic, partitions });
    await admin.disconnect();

    const held = Promise.withResolvers<"done">();
    const collector = new Collector();
    collector.verdict = ({ partition }) => (partition === 1 ? held.promise : "done");
    const consumer = await transport.subscribe(collector);
    // What was fetched with the many, and stands behind them, waits until there is room.
    await until("the group is full", () => consumer.status().inHand >= 2_000);
    for (const partition of [0, 2]) await consumer.rewind("timeline", partition, 0);
    held.resolve("done");
    const others = () => collector.done.filter(({ partition }) => partition !== 1);
    await until("both came again", () => others().length >= 2);
    await until("the many are done", () => collector.done.length >= MANY + 2);
    const places = others().map(({ partition, offset }) => `${partition}/${offset}`);
    await until("nothing is left", async () => {
      const offsets = await transport.offsets("dispatcher", ["timeline"]);
      return offsets.every(({ committed, end }) => committed === end);
    });
    await consumer.stop();
    expect(places.toSorted()).toEqual(["0/0", "2/0"]);
    expect(bench.logged.filter((line) => line.includes("crashed"))).toEqual([]);
  },
  timeoutMs,
);
