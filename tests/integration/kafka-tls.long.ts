import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { parseConfig } from "../../engine/config.ts";
import { freePort } from "../../engine/stack/free-port.ts";
import { type RunningService, runJava, startJava } from "../../engine/stack/java-service.ts";
import { fetchJars } from "../../engine/stack/maven.ts";
import { writeProperties } from "../../engine/stack/properties-file.ts";
import { brokerSettings, heapsMb } from "../../engine/stack/stack-settings.ts";
import { newKafka } from "../../engine/transport/kafka/kafka-client.ts";
import { createKafkaTransport } from "../../engine/transport/kafka/kafka-transport.ts";
import type { Transport } from "../../engine/transport/port.ts";
import { Collector, timelineDatabase, type TimelineDatabase } from "../support/kafka.ts";
import { type SelfMadeAuthority, selfMadeAuthority } from "../support/self-made-authority.ts";
import { testJava } from "../support/stack.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";

const silent = { info: () => {}, warn: () => {}, error: () => {} };

let home: TempHome;
let files: SelfMadeAuthority;
let kafka: RunningService;
let port: number;
let database: TimelineDatabase;
const transports: Transport[] = [];

beforeAll(async () => {
  home = await tempHome();
  files = await selfMadeAuthority(home.path, "IP:127.0.0.1");
  [kafka, database] = await Promise.all([startBroker(), timelineDatabase()]);
}, 180_000);

afterAll(async () => {
  await Promise.all(transports.map((transport) => transport.stop()));
  await kafka?.stop();
  await database?.drop();
  await home?.remove();
}, 60_000);

/** A broker whose only door for clients is TLS with SCRAM. */
async function startBroker(): Promise<RunningService> {
  const jars = await fetchJars(testJava);
  port = (await freePort()) as number;
  const [inside, controller] = [(await freePort()) as number, (await freePort()) as number];
  const keystore = join(home.path, "server.store.pem");
  await Bun.write(keystore, `${await Bun.file(files.key).text()}${await Bun.file(files.cert).text()}`);
  const settings = {
    ...brokerSettings(port, controller),
    "listener.security.protocol.map": "OUTSIDE:SASL_SSL,INSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "INSIDE",
    listeners: `OUTSIDE://127.0.0.1:${port},INSIDE://127.0.0.1:${inside},CONTROLLER://127.0.0.1:${controller}`,
    "advertised.listeners": `OUTSIDE://127.0.0.1:${port},INSIDE://127.0.0.1:${inside}`,
    "ssl.keystore.type": "PEM",
    "ssl.keystore.location": keystore,
    "sasl.enabled.mechanisms": "SCRAM-SHA-256",
    "listener.name.outside.scram-sha-256.sasl.jaas.config":
      "org.apache.kafka.common.security.scram.ScramLoginModule required;",
    "log.dirs": join(home.path, "kafka"),
  };
  await mkdir(home.path, { recursive: true });
  const file = join(home.path, "kafka.properties");
  await writeProperties(file, settings);
  const program = { home: home.path, jars, heapMb: heapsMb.kafka };
  const scram = ["--add-scram", "SCRAM-SHA-256=[name=ekiden,password=correct]"];
  const format = ["format", "--cluster-id", "a".repeat(22), "--config", file, ...scram];
  await runJava({ ...program, name: "kafka-format", main: "kafka.tools.StorageTool", arguments: format });
  return startJava({ ...program, name: "kafka", main: "kafka.Kafka", arguments: [file] }, isUp);
}

async function isUp(): Promise<boolean> {
  const admin = newKafka({ ...access(), clientId: "probe", log: silent }).admin();
  try {
    await admin.connect();
    return (await admin.describeCluster()).brokers.length > 0;
  } catch {
    return false;
  } finally {
    await admin.disconnect();
  }
}

/** What the engine makes of its variables. */
function access(change: Record<string, string> = {}, host = "127.0.0.1") {
  const { kafka } = parseConfig({
    KAFKA_BROKERS: `${host}:${port}`,
    KAFKA_TLS_CA: files.ca,
    KAFKA_SASL_MECHANISM: "scram-sha-256",
    KAFKA_SASL_USERNAME: "ekiden",
    KAFKA_SASL_PASSWORD: "correct",
    ...change,
  });
  return { brokers: kafka?.brokers ?? [], security: kafka?.security ?? {} };
}

async function open(change: Record<string, string> = {}, host?: string): Promise<Transport> {
  const transport = await createKafkaTransport({
    ...access(change, host),
    prefix: "tls-",
    partitions: 1,
    replication: 1,
    connectUrl: null,
    databaseUrl: database.url,
    sql: database.sql,
    clientId: "ekiden-tls",
    log: silent,
    missing: async () => 0,
    onFatal: () => {},
  });
  transports.push(transport);
  return transport;
}

test("the engine makes its topics and consumes over TLS and SCRAM, and both are what it must have", async () => {
  const transport = await open();
  await transport.ensureTopics(["timeline"]);
  const collector = new Collector();
  await transport.subscribe(collector);
  const producer = newKafka({ ...access(), clientId: "probe", log: silent }).producer();
  await producer.connect();
  await producer.send({ topic: "tls-timeline", messages: [{ key: "k", value: "{}", headers: { id: "x" } }] });
  await producer.disconnect();
  await collector.has(1);
  expect((await transport.health()).find(({ part }) => part === "kafka")).toMatchObject({ ok: true });

  const refused = { code: "kafka.access-refused" };
  await expect(open({ KAFKA_SASL_PASSWORD: "wrong" })).rejects.toMatchObject(refused);
  await expect(open({ KAFKA_TLS_CA: files.stranger })).rejects.toMatchObject(refused);
  await expect(open({}, "localhost")).rejects.toMatchObject(refused);
}, 120_000);
