import { afterAll, beforeAll, expect, test } from "bun:test";

import { HistoryWatch } from "../../engine/recovery/history-watch.ts";
import { createLog } from "../../engine/telemetry/log.ts";
import { connect } from "../../engine/timeline/database.ts";
import { KafkaBench, until } from "../support/kafka.ts";

const timeoutMs = 120_000;
const TOPIC = "lab.run";

let bench: KafkaBench;

beforeAll(async () => {
  bench = await KafkaBench.start();
}, timeoutMs);

afterAll(() => bench?.stop(), timeoutMs);

test(
  "a deleted topic is noticed although it grows again between two looks",
  async () => {
    const sql = connect(bench.database.url, { max: 2, name: "history" });
    const kafka = bench.kafka();
    const admin = kafka.admin();
    const producer = kafka.producer({ allowAutoTopicCreation: false });
    const topic = bench.names.topic(TOPIC);
    const send = (count: number) =>
      producer.send({ topic, messages: Array.from({ length: count }, (_, at) => ({ partition: 0, value: `${at}` })) });
    try {
      await Promise.all([admin.connect(), producer.connect()]);
      await sql`insert into timeline.topic (name) values (${TOPIC})`;
      await sql`insert into timeline.consumer_group (consumer_group) values ('lab')`;
      await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
      await send(50);
      const { broker } = await bench.transport();
      const watch = new HistoryWatch(
        sql,
        createLog("json", () => {}),
      );
      await watch.lookAtDatabase();
      await watch.lookAtBroker(broker);
      // The first whole look reads what has come, and writes down where the topics end.
      await watch.look();
      expect([
        ...(await sql`select topic, "end"::integer from timeline.kafka_position where topic = ${TOPIC}`),
      ]).toEqual([{ topic: TOPIC, end: 50 }]);

      await admin.deleteTopics({ topics: [topic] });
      await until("the topic is made again", () =>
        admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true }).catch(() => false),
      );
      const later = new HistoryWatch(
        sql,
        createLog("json", () => {}),
      );
      await send(3);
      await later.lookAtDatabase();
      await later.lookAtBroker(broker);
      expect(later.need).toBeNull();
      await send(3);
      await later.lookAtBroker(broker);

      expect(later.need).toMatchObject({
        code: "kafka.emptied",
        detail: expect.stringMatching(
          /^Kafka's topic lab\.run\/0 ends at [36] and has reached 50: messages were lost$/,
        ),
      });
    } finally {
      await Promise.allSettled([admin.disconnect(), producer.disconnect()]);
      await sql.end({ timeout: 5 });
    }
  },
  timeoutMs,
);
