import { expect, setDefaultTimeout, test } from "bun:test";
import { Kafka, logLevel } from "kafkajs";
import postgres from "postgres";

import { waitUntil } from "../../engine/stack/wait-until.ts";
import { freshDatabase } from "../support/postgres.ts";
import { type TestStack, testStack } from "../support/stack.ts";

// The first run fetches the jars.
setDefaultTimeout(600_000);

interface Arrival {
  readonly key: string | undefined;
  readonly value: string | undefined;
  readonly id: string | undefined;
}

test("a row of an outbox table arrives on its Kafka topic", async () => {
  const stack = await testStack();
  const database = await freshDatabase({ url: stack.databaseUrl });
  const sql = postgres(database.url, { max: 1 });
  await sql`create table outbox (id text primary key, topic text, key text, body jsonb)`;
  await sql`create publication stack_test for table outbox with (publish = 'insert')`;
  await createTopic(stack, "stack_test.topic");
  await putConnector(stack, connectorConfig(database.url));
  await slotIsRead(sql);

  await sql`insert into outbox (id, topic, key, body) values ('m1', 'stack_test.topic', 'saga-1', '{"a": 1}')`;
  expect(await firstArrival(stack, "stack_test.topic")).toEqual({ key: "saga-1", value: '{"a": 1}', id: "m1" });

  await fetch(`${stack.connectUrl}/connectors/stack-test`, { method: "DELETE" });
  await sql.end();
  await database.drop();
});

function connectorConfig(url: string): Record<string, string> {
  const { hostname, port, username, password, pathname } = new URL(url);
  return {
    "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
    "database.hostname": hostname,
    "database.port": port,
    "database.user": username,
    "database.password": password,
    "database.dbname": pathname.slice(1),
    "plugin.name": "pgoutput",
    "slot.name": "stack_test",
    "topic.prefix": "stack_test",
    "publication.name": "stack_test",
    "publication.autocreate.mode": "disabled",
    "table.include.list": "public.outbox",
    "snapshot.mode": "no_data",
    "poll.interval.ms": "5",
    transforms: "outbox",
    "transforms.outbox.type": "io.debezium.transforms.outbox.EventRouter",
    "transforms.outbox.table.field.event.key": "key",
    "transforms.outbox.table.field.event.payload": "body",
    "transforms.outbox.route.by.field": "topic",
    "transforms.outbox.route.topic.replacement": "${routedByValue}",
  };
}

async function putConnector(stack: TestStack, config: Record<string, string>): Promise<void> {
  const response = await fetch(`${stack.connectUrl}/connectors/stack-test/config`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(config),
  });
  if (!response.ok) throw new Error(await response.text());
}

async function slotIsRead(sql: postgres.Sql): Promise<void> {
  const active = async () => {
    const [slot] = await sql`select 1 from pg_replication_slots where slot_name = 'stack_test' and active`;
    return slot;
  };
  if (!(await waitUntil(active, { timeoutMs: 60_000 }))) throw new Error("the connector never read its slot");
}

async function createTopic(stack: TestStack, topic: string): Promise<void> {
  const admin = client(stack).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
  await admin.disconnect();
}

async function firstArrival(stack: TestStack, topic: string): Promise<Arrival> {
  const consumer = client(stack).consumer({ groupId: "stack-test" });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  const arrivals: Arrival[] = [];
  await consumer.run({
    eachMessage: async ({ message }) => {
      const [key, value] = [message.key?.toString(), message.value?.toString()];
      arrivals.push({ key, value, id: message.headers?.id?.toString() });
    },
  });
  const first = await waitUntil(async () => arrivals[0], { timeoutMs: 60_000 });
  await consumer.disconnect();
  if (first === undefined) throw new Error(`nothing arrived on ${topic}`);
  return first;
}

function client(stack: TestStack): Kafka {
  return new Kafka({ brokers: [stack.brokers], logLevel: logLevel.NOTHING });
}
