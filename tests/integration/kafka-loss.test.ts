import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { Kafka, logLevel } from "kafkajs";

import { type RunningKafka, startKafka } from "../../engine/stack/kafka.ts";
import { type RunningStack, startStack } from "../../engine/stack/start-stack.ts";
import { createKafkaTransport } from "../../engine/transport/kafka/kafka-transport.ts";
import { type Patience, patienceOf } from "../../engine/transport/kafka/rebuilding.ts";
import type { Consumer, Transport } from "../../engine/transport/port.ts";
import { Client } from "../support/client.ts";
import { LAB } from "../support/engine.ts";
import { type EngineProcess, startProcess } from "../support/engine-process.ts";
import { Collector, type TimelineDatabase, timelineDatabase, until } from "../support/kafka.ts";
import { freshDatabase, type FreshDatabase } from "../support/postgres.ts";
import { testJava } from "../support/stack.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";

const timeoutMs = 120_000;
const root = resolve(import.meta.dir, "../..");

interface Part {
  readonly part: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly hint?: string;
}

// A stack of its own: its broker is killed, which the other files must not feel.
let home: TempHome;
let stack: RunningStack;
let broker: RunningKafka;
let database: TimelineDatabase;

beforeAll(async () => {
  home = await tempHome();
  stack = await startStack({ home: home.path, java: testJava });
  broker = stack.kafka;
  database = await timelineDatabase(stack.postgres);
}, timeoutMs);

afterAll(async () => {
  await database?.drop();
  // Without its broker the worker would not end before its grace is over.
  stack?.connect.kill("SIGKILL");
  await stack?.connect.stop();
  if (broker !== undefined) await killBroker();
  await stack?.postgres.stop();
  await home?.remove();
}, timeoutMs);

/** kill -9, and wait until it is gone. */
async function killBroker(): Promise<void> {
  try {
    broker.kill("SIGKILL");
  } catch {
    // It is gone already.
  }
  await broker.stop();
}

/** The same broker again: its port and its log. */
async function startBroker(): Promise<void> {
  broker = await startKafka({ home: home.path, java: testJava, port: broker.port });
}

/** A transport as one process would have it, with a prefix of its own. */
class Bench {
  readonly prefix = `t${crypto.randomUUID().slice(0, 8)}-`;
  readonly fatal: Error[] = [];
  #transport: Transport | undefined;

  async open(patience: Partial<Patience> = {}): Promise<Transport> {
    this.#transport = await createKafkaTransport({
      brokers: [broker.brokers],
      prefix: this.prefix,
      partitions: 2,
      replication: 1,
      connectUrl: null,
      databaseUrl: database.url,
      sql: database.sql,
      clientId: "ekiden-test",
      log: { info: () => {}, warn: () => {}, error: () => {} },
      missing: async () => 0,
      onFatal: (error) => void this.fatal.push(error),
      patience,
    });
    await this.#transport.ensureTopics(["timeline"]);
    return this.#transport;
  }

  /** Sends to the timeline past the outbox, each message with a key of its own. */
  async send(ids: readonly string[]): Promise<void> {
    const kafka = new Kafka({ brokers: [broker.brokers], clientId: "ekiden-probe", logLevel: logLevel.NOTHING });
    const producer = kafka.producer();
    await producer.connect();
    for (const id of ids) {
      await producer.send({ topic: `${this.prefix}timeline`, messages: [{ key: id, value: "{}", headers: { id } }] });
    }
    await producer.disconnect();
  }

  async close(): Promise<void> {
    await this.#transport?.stop();
  }
}

async function partOf(transport: Transport, part: string): Promise<Part | undefined> {
  return (await transport.health()).find((one) => one.part === part);
}

async function lag(transport: Transport, group: string): Promise<number> {
  const offsets = await transport.offsets(group, ["timeline"]);
  return offsets.reduce((sum, { committed, earliest, end }) => sum + end - (committed ?? earliest), 0);
}

/** The problem of a consumer, once it has one; fails after a minute. */
async function problemOf(consumer: Consumer): Promise<string> {
  await until("a problem", () => consumer.status().problem !== undefined);
  return consumer.status().problem ?? "";
}

describe("a consumer that makes no progress although there is lag", () => {
  const patience = { stalledMs: 500 };

  test(
    "says which message has no outcome, until it has one",
    async () => {
      const bench = new Bench();
      const transport = await bench.open(patience);
      const collector = new Collector();
      collector.verdict = ({ key }) => (key === "poison" ? "again" : "done");
      const consumer = await transport.subscribe(collector);
      try {
        await bench.send(["poison", "other"]);
        const held = /^1 keys without an outcome for over .*"poison" \(timeline\/\d at \d\)$/;
        expect(await problemOf(consumer)).toMatch(held);
        expect(collector.ids).toEqual(new Set(["other"]));
        expect(await lag(transport, "dispatcher")).toBeGreaterThan(0);

        collector.verdict = () => "done";
        await collector.has(2);
        await until("all well", () => consumer.status().problem === undefined);
      } finally {
        collector.verdict = () => "done";
        await bench.close();
      }
    },
    timeoutMs,
  );

  test(
    "says that all lanes are busy when handlers do not end",
    async () => {
      const bench = new Bench();
      const transport = await bench.open(patience);
      const collector = new Collector();
      const stuck = Promise.withResolvers<"done">();
      collector.verdict = () => stuck.promise;
      const consumer = await transport.subscribe(collector);
      const ids = Array.from({ length: collector.lanes + 2 }, (_, index) => `stuck-${index}`);
      try {
        for (const [index, id] of ids.entries()) {
          await bench.send([id]);
          // One lane after the other, or all that wait would go into one batch.
          if (index < collector.lanes) await until("a lane is taken", () => collector.came.length === index + 1);
        }
        await until("all lanes are busy", async () => /lanes busy/.test(await problemOf(consumer)));
        expect(await lag(transport, "dispatcher")).toBe(ids.length);

        stuck.resolve("done");
        await collector.has(ids.length);
        await until("all well", () => consumer.status().problem === undefined);
      } finally {
        stuck.resolve("done");
        await bench.close();
      }
    },
    timeoutMs,
  );
});

test(
  "a broker that is killed turns the health red with a reason; when it is back, messages flow and all is green",
  async () => {
    const bench = new Bench();
    const transport = await bench.open();
    const collector = new Collector();
    const consumer = await transport.subscribe(collector);
    try {
      await bench.send(["before"]);
      await collector.has(1);
      expect(await partOf(transport, "kafka")).toMatchObject({ ok: true, detail: "1 brokers" });

      await killBroker();
      await until("the broker is missed", async () => (await partOf(transport, "kafka"))?.ok === false);
      expect((await partOf(transport, "kafka"))?.detail).toContain(broker.brokers);
      await until("the client crashes", () => consumer.status().state === "rebuilding");
      expect(consumer.status().problem).toMatch(/^crashed, being built again: .+/);

      await startBroker();
      await bench.send(["after"]);
      await collector.has(2);
      await until("the broker is seen", async () => (await partOf(transport, "kafka"))?.ok === true);
      expect(consumer.status()).toMatchObject({ state: "running", partitions: [{}, {}] });
      expect(consumer.status().problem).toBeUndefined();
      await until("no lag", async () => (await lag(transport, "dispatcher")) === 0);
      expect(bench.fatal).toEqual([]);
    } finally {
      await bench.close();
    }
  },
  timeoutMs,
);

test(
  "a broker that answers no more, with its connections open, is noticed too",
  async () => {
    const bench = new Bench();
    const transport = await bench.open({ silentMs: 6_000 });
    const collector = new Collector();
    const consumer = await transport.subscribe(collector);
    try {
      broker.kill("SIGSTOP");
      expect(await problemOf(consumer)).toMatch(/^no answer from Kafka for \d+ s$/);
      await until("the client is given up", () => consumer.status().state === "rebuilding");
      broker.kill("SIGCONT");
      await bench.send(["after"]);
      await collector.has(1);
      await until("all well", () => consumer.status().problem === undefined);
      expect(bench.fatal).toEqual([]);
    } finally {
      broker.kill("SIGCONT");
      await bench.close();
    }
  },
  timeoutMs,
);

test("a short patience leaves a member the time that a join may take without a sign of life", () => {
  expect(patienceOf(5_000)).toMatchObject({ rebuildMs: 5_000, silentMs: 20_000 });
  expect(patienceOf(30_000)).toMatchObject({ rebuildMs: 30_000, silentMs: 30_000 });
  expect(patienceOf(300_000)).toMatchObject({ rebuildMs: 300_000, silentMs: 45_000 });
});

describe("a broker that stays away", () => {
  const bench = new Bench();
  let engine: EngineProcess;
  let engineDatabase: FreshDatabase;
  let transport: Transport;
  let readyBefore: number;
  let tooLate: Promise<unknown>;

  beforeAll(async () => {
    engineDatabase = await freshDatabase(stack.postgres);
    engine = await startProcess(root, {
      DATABASE_URL: engineDatabase.url,
      KAFKA_BROKERS: broker.brokers,
      KAFKA_CONNECT_URL: stack.connectUrl,
      KAFKA_PARTITIONS: "1",
      EKIDEN_PREFIX: "away-",
      EKIDEN_DOMAINS: LAB,
      EKIDEN_PATIENCE: "6",
    });
    readyBefore = (await new Client(() => engine.url).call("GET", "/health/ready")).status;
    transport = await bench.open({ rebuildMs: 2_000 });
    await Promise.all([transport.subscribe(new Collector()), transport.subscribe(new Collector("ledger"))]);
    await killBroker();
    const refused = (error: unknown) => error;
    tooLate = transport.subscribe(new Collector("notification")).catch(refused);
  }, timeoutMs);

  afterAll(async () => {
    await engine?.end("SIGKILL");
    await bench.close();
    await engineDatabase?.drop();
  }, timeoutMs);

  test(
    "turns the readiness of an engine red, part by part, and ends its process with 1",
    async () => {
      expect(readyBefore).toBe(200);
      const client = new Client(() => engine.url);
      const lost = new Map<string, Part>();
      await until("each part is red", async () => {
        const { status, json } = await client.call("GET", "/health/ready");
        for (const part of (json as { parts: Part[] }).parts) if (!part.ok) lost.set(part.part, part);
        return status === 503 && lost.has("kafka") && lost.has("consumer dispatcher");
      });
      expect(lost.get("kafka")?.detail).toContain(broker.brokers);
      expect(lost.get("kafka")?.hint).toBeString();
      expect(lost.get("consumer dispatcher")?.detail).toContain("crashed, being built again");
      // A signal without an effect: only the end is awaited.
      expect(await engine.end("SIGCONT")).toBe(1);
      expect(engine.output()).toContain("could not be built again");
      // It drained as at any stop, however many consumers were lost.
      expect(engine.output()).toContain("stopping because of a consumer that was lost");
      expect(engine.output()).not.toContain("not everything");
    },
    timeoutMs,
  );

  test(
    "is reported once by a transport, whatever the number of its consumers, which stops all the same",
    async () => {
      await until("the loss is reported", () => bench.fatal.length > 0);
      expect(await tooLate).toMatchObject({ code: "kafka.consumer-lost" });
      await transport.stop();
      expect(bench.fatal).toHaveLength(1);
      expect(bench.fatal[0]).toMatchObject({ code: "kafka.consumer-lost", message: expect.stringContaining("group ") });
    },
    timeoutMs,
  );
});
