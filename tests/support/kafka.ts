import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Kafka, logLevel } from "kafkajs";
import postgres, { type ISql, type JSONValue, type Sql } from "postgres";

import { waitUntil } from "../../engine/stack/wait-until.ts";
import { ConnectClient } from "../../engine/transport/kafka/connect-client.ts";
import { createKafkaTransport, type KafkaTransportOptions } from "../../engine/transport/kafka/kafka-transport.ts";
import { Names } from "../../engine/transport/kafka/names.ts";
import type { Delivery, Subscription, Transport, Verdict } from "../../engine/transport/port.ts";
import { type FreshDatabase, freshDatabase } from "./postgres.ts";
import { type TestStack, testStack } from "./stack.ts";

const sqlFolder = join(import.meta.dir, "../../sql");
const patienceMs = 60_000;

/** A database with the engine's schema. */
export interface TimelineDatabase extends FreshDatabase {
  readonly sql: Sql;
}

/** A fresh database with the schema `timeline`, on the run's server or on the one that `server` names. */
export async function timelineDatabase(server?: { readonly url: string }): Promise<TimelineDatabase> {
  const database = await freshDatabase(server);
  const sql = postgres(database.url, { max: 20, onnotice: () => {} });
  await sql`create schema timeline`;
  for (const file of (await readdir(sqlFolder)).sort()) await sql.file(join(sqlFolder, file));
  const drop = async () => {
    await sql.end({ timeout: 5 });
    await database.drop();
  };
  return { url: database.url, sql, drop };
}

/** A pipeline of its own on the run's stack: database, prefix, slot, connector, and as many transports as asked for. */
export class KafkaBench {
  readonly stack: TestStack;
  readonly database: TimelineDatabase;
  readonly names: Names;
  readonly connect: ConnectClient;
  readonly logged: string[] = [];
  readonly fatal: Error[] = [];
  readonly #transports: Transport[] = [];

  private constructor(stack: TestStack, database: TimelineDatabase) {
    this.stack = stack;
    this.database = database;
    this.names = new Names(`t${crypto.randomUUID().slice(0, 8)}-`);
    this.connect = new ConnectClient(stack.connectUrl, this.names.connector);
  }

  static async start(): Promise<KafkaBench> {
    const stack = await testStack();
    return new KafkaBench(stack, await timelineDatabase({ url: stack.databaseUrl }));
  }

  get sql(): Sql {
    return this.database.sql;
  }

  /** A transport as one engine process would have it; several share the pipeline. */
  async transport(options: Partial<KafkaTransportOptions> = {}): Promise<Transport> {
    const log = (message: string, fields?: object) =>
      void this.logged.push(`${message} ${JSON.stringify(fields ?? {})}`);
    const transport = await createKafkaTransport({
      brokers: [this.stack.brokers],
      prefix: this.names.prefix,
      partitions: 3,
      replication: 1,
      connectUrl: this.stack.connectUrl,
      databaseUrl: this.database.url,
      sql: this.database.sql,
      clientId: "ekiden-test",
      log: { info: log, warn: log, error: log },
      missing: async () => 0,
      onFatal: (error) => void this.fatal.push(error),
      ...options,
    });
    this.#transports.push(transport);
    return transport;
  }

  /** A bare kafkajs client, to look at Kafka beside the transport. */
  kafka(): Kafka {
    return new Kafka({ brokers: [this.stack.brokers], clientId: "ekiden-probe", logLevel: logLevel.NOTHING });
  }

  async stop(): Promise<void> {
    await Promise.all(this.#transports.map((transport) => transport.stop()));
    await this.connect.remove();
    await this.database.drop();
  }
}

/** One row for the outbox; what is missing gets a plain value. */
export interface RequestRow {
  readonly key: string;
  readonly topic?: string;
  readonly type?: string;
  readonly body?: JSONValue;
  readonly headers?: Readonly<Record<string, string>>;
  readonly columns?: Readonly<Record<string, string | number | null>>;
}

/** Writes one row to the outbox and returns its message id. */
export async function writeRequest(sql: ISql, row: RequestRow): Promise<string> {
  const [id] = await sql<{ message_id: string }[]>`select timeline.new_ulid() as message_id`;
  if (id === undefined) throw new Error("no id");
  const columns = {
    message_id: id.message_id,
    correlation_id: row.key,
    topic: row.topic ?? "timeline",
    message_key: row.key,
    message_type: row.type ?? "saga.started",
    producer: "test@localhost",
    message_body: sql.json(row.body ?? {}),
    message_headers: row.headers === undefined ? null : sql.json(row.headers),
    ...row.columns,
  };
  await sql`insert into timeline.event_request ${sql(columns)}`;
  return id.message_id;
}

/** A subscription that keeps what it gets. `verdict` may hold a message back, or wait. */
export class Collector implements Subscription {
  readonly group: string;
  readonly topics: readonly string[];
  readonly lanes: number = 4;
  readonly singles: number = 2;
  readonly batchMax: number = 50;
  readonly knowsOwn = true;
  /** Everything that came, in the order in which it came; redeliveries too. */
  readonly came: Delivery[] = [];
  /** What was answered with `done`. */
  readonly done: Delivery[] = [];
  verdict: (delivery: Delivery) => Verdict | Promise<Verdict> = () => "done";

  constructor(group = "dispatcher", topics: readonly string[] = ["timeline"]) {
    this.group = group;
    this.topics = topics;
  }

  async handle(batch: readonly Delivery[]): Promise<readonly Verdict[]> {
    this.came.push(...batch);
    const verdicts = await Promise.all(batch.map((delivery) => this.verdict(delivery)));
    this.done.push(...batch.filter((_, index) => verdicts[index] === "done"));
    return verdicts;
  }

  /** Message ids that were done, each once. */
  get ids(): Set<string> {
    return new Set(this.done.map((delivery) => delivery.headers.id ?? ""));
  }

  async has(count: number): Promise<void> {
    await until(`${count} messages in ${this.group}, ${this.ids.size} came`, () => this.ids.size >= count);
  }
}

/** Waits for a condition. Throws after a minute, naming what it waited for. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const met = await waitUntil(async () => ((await condition()) ? true : undefined), { timeoutMs: patienceMs });
  if (met !== true) throw new Error(`waited in vain for ${what}`);
}
