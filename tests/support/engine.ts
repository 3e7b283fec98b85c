import { join } from "node:path";
import postgres from "postgres";
import { parseConfig } from "../../engine/config.ts";
import { type RunningEngine, startEngine } from "../../engine/main.ts";
import { createLog } from "../../engine/telemetry/log.ts";
import { freshDatabase, testPostgres } from "./postgres.ts";
import { testStack } from "./stack.ts";

export const LAB = join(import.meta.dir, "lab");
export const TRANSPORTS = ["embedded", "kafka"] as const;
export type TransportKind = (typeof TRANSPORTS)[number];

/** An engine under test: in this process, with a database of its own. */
export interface TestEngine {
  readonly url: string;
  readonly sql: postgres.Sql;
  readonly engine: RunningEngine;
  readonly log: string[];
  /** On Kafka: before the names of its topics and groups. */
  readonly prefix: string;
  /** Another engine process' worth of parts on the same database and, on Kafka, in the same groups. */
  another(roles?: string): Promise<RunningEngine>;
  /** Stops this engine; the database stays. */
  stop(): Promise<void>;
  /** Starts it again on the same database. */
  start(): Promise<void>;
  close(): Promise<void>;
}

/** Starts an engine on a transport, with the lab's domains unless others are named. */
export async function testEngine(
  kind: TransportKind,
  options: {
    readonly domains?: string;
    readonly partitions?: number;
    readonly environment?: Record<string, string>;
  } = {},
): Promise<TestEngine> {
  const stack = kind === "kafka" ? await testStack() : null;
  const database = await freshDatabase(stack?.postgres ?? (await testPostgres()));
  const prefix = `t${crypto.randomUUID().slice(0, 8)}.`;
  const environment = {
    DATABASE_URL: database.url,
    EKIDEN_DOMAINS: options.domains ?? LAB,
    EKIDEN_LOG: "json",
    PORT: "0",
    ...options.environment,
    ...(stack === null
      ? {}
      : {
          KAFKA_BROKERS: stack.brokers,
          KAFKA_CONNECT_URL: stack.connectUrl,
          KAFKA_PARTITIONS: String(options.partitions ?? 3),
          EKIDEN_PREFIX: prefix,
        }),
  };
  const lines: string[] = [];
  const log = createLog("json", (line) => lines.push(line));
  const open = (roles: string) =>
    startEngine(parseConfig({ ...environment, EKIDEN_ROLES: roles }), log, (error) =>
      lines.push(`FATAL ${error.message}`),
    );
  let engine = await open("api,dispatcher,domains");
  const sql = postgres(database.url, {
    max: 4,
    onnotice: () => {},
    types: { bigint: { to: 20, from: [20], parse: Number, serialize: String } },
  });
  const others: RunningEngine[] = [];
  return {
    get url() {
      return engine.url as string;
    },
    get engine() {
      return engine;
    },
    sql,
    log: lines,
    prefix,
    async another(roles = "dispatcher,domains") {
      const other = await open(roles);
      others.push(other);
      return other;
    },
    stop: () => engine.stop(),
    async start() {
      engine = await open("api,dispatcher,domains");
    },
    async close() {
      for (const other of others) await other.stop();
      await engine.stop();
      if (stack !== null) await dropConnector(stack.connectUrl, `${prefix}ekiden-outbox`);
      await sql.end({ timeout: 5 });
      await database.drop();
    },
  };
}

async function dropConnector(connectUrl: string, name: string): Promise<void> {
  await fetch(`${connectUrl}/connectors/${encodeURIComponent(name)}`, { method: "DELETE" });
}

/** Waits until `look` returns something; fails with what was seen last. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false | null>,
  withinMs = 20_000,
): Promise<T> {
  const until = performance.now() + withinMs;
  let last: unknown;
  do {
    try {
      const seen = await look();
      if (seen !== undefined && seen !== false && seen !== null) return seen;
      last = seen;
    } catch (error) {
      last = error;
    }
    await Bun.sleep(20);
  } while (performance.now() < until);
  throw new Error(
    `${what}: not within ${withinMs} ms; last: ${last instanceof Error ? last.message : JSON.stringify(last)}`,
  );
}
