import { join } from "node:path";
import postgres from "postgres";

import { startConnect } from "../../../engine/stack/connect.ts";
import { type RunningPostgres, startEmbeddedPostgres } from "../../../engine/stack/embedded-postgres.ts";
import { freePort } from "../../../engine/stack/free-port.ts";
import type { RunningService } from "../../../engine/stack/java-service.ts";
import { startKafka } from "../../../engine/stack/kafka.ts";
import { eventually } from "../../support/engine.ts";
import { testJava } from "../../support/stack.ts";
import { Disk } from "./disk.ts";
import { type Driven, drivenTree } from "./driven.ts";
import { Line } from "./network.ts";
import { Supervised } from "./supervised.ts";

/** `single`: one embedded process. `standby`: two. `kafka`: several processes by roles, with Kafka and Connect. */
export const MODES = ["single", "standby", "kafka"] as const;
export type Mode = (typeof MODES)[number];

/** The parts of Kafka, each behind a line. */
export interface KafkaParts {
  readonly disk: Disk;
  broker: RunningService & { readonly port: number };
  connect: RunningService & { readonly port: number };
  readonly brokerLine: Line;
  readonly connectLine: Line;
}

/**
 * Engine processes by name → their roles: two share the dispatching and some of the domains; also that which calls the
 * outside, so that there is somebody who gets the command of a process that sleeps in a call.
 */
const KAFKA_ENGINES: Readonly<Record<string, string>> = {
  front: "api,dispatcher",
  some: ["application", "screening", "contract", "north", "south", "abroad"].map((name) => `domain:${name}`).join(","),
  whole: "api,dispatcher,domains",
};

export const PREFIX = "faults.";

const DISK_MB = 900;
/** A log that fits on a small disk. */
const SETTINGS = { max_wal_size: "160MB", min_wal_size: "80MB", max_slot_wal_keep_size: "400MB" };

/** Everything that can be broken: real processes, on a database of their own. */
export class World {
  readonly engines: Supervised[] = [];
  /** Engines that were there for a while, for their logs. */
  readonly gone: Supervised[] = [];
  /** Past every proxy, as the checker's own. */
  readonly sql: postgres.Sql;
  readonly database = "ekiden";

  private constructor(
    readonly mode: Mode,
    readonly disk: Disk,
    readonly driven: Driven,
    public postgres: RunningPostgres,
    readonly databaseLine: Line,
    readonly kafka: KafkaParts | null,
  ) {
    this.sql = connected(this.postgres.url);
  }

  /** Starts servers and engines; all are ready. */
  static async open(mode: Mode): Promise<World> {
    const disk = await Disk.mount(DISK_MB);
    const driven = await drivenTree();
    const server = await startEmbeddedPostgres({ home: disk.path, settings: SETTINGS });
    let world: World | undefined;
    const pids = () => world?.pids() ?? [];
    const line = await Line.open(server.port, pids);
    const kafka = mode === "kafka" ? await openKafka(pids) : null;
    world = new World(mode, disk, driven, server, line, kafka);
    const roles =
      mode === "kafka"
        ? Object.entries(KAFKA_ENGINES)
        : ["one", "two"].slice(0, mode === "single" ? 1 : 2).map((name) => [name, "api,dispatcher,domains"] as const);
    for (const [name, role] of roles) {
      const environment = world.environment(role);
      world.engines.push(new Supervised({ name, tree: driven.tree.path, environment }));
    }
    try {
      // One after the other: the first makes the schema and the topics.
      for (const engine of world.engines) await engine.start();
    } catch (error) {
      const last = world.engines.flatMap(({ lines }) => lines.slice(-15).map(({ text }) => text));
      await world.close();
      throw new Error(`${error instanceof Error ? error.message : String(error)}\n${last.join("\n")}`);
    }
    return world;
  }

  /** Processes that call others: engines and Connect. */
  pids(): readonly number[] {
    const engines = this.engines.flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
    return this.kafka === null ? engines : [...engines, this.kafka.connect.pid];
  }

  /** Addresses of APIs that may answer. */
  urls(): readonly string[] {
    return this.engines.filter((engine) => engine.isReady && engine.url !== "").map(({ url }) => url);
  }

  /** Files to which PostgreSQL, Kafka and Connect write. */
  logs(): readonly string[] {
    const log = join(this.disk.path, "postgres.log");
    return this.kafka === null ? [log] : [log, this.kafka.broker.log, this.kafka.connect.log];
  }

  /** What an engine is started with, so that all it says passes the lines. */
  environment(roles: string): Record<string, string> {
    const url = new URL(this.postgres.url);
    url.port = String(this.databaseLine.port);
    return {
      DATABASE_URL: url.href,
      EKIDEN_DOMAINS: this.driven.domains,
      EKIDEN_ROLES: roles,
      EKIDEN_PATIENCE: "120",
      BUN_OPTIONS: `--preload=${join(import.meta.dir, "clock.ts")}`,
      EKIDEN_FAULT_CLOCK: this.#clock,
      ...(this.kafka !== null && {
        KAFKA_BROKERS: `127.0.0.1:${this.kafka.brokerLine.port}`,
        KAFKA_CONNECT_URL: `http://127.0.0.1:${this.kafka.connectLine.port}`,
        KAFKA_PARTITIONS: "3",
        EKIDEN_PREFIX: PREFIX,
      }),
    };
  }

  /** The server after a crash, under its old address. */
  async startPostgres(): Promise<void> {
    this.postgres = await startEmbeddedPostgres({
      home: this.disk.path,
      port: this.postgres.port,
      settings: SETTINGS,
    });
  }

  async startBroker(): Promise<void> {
    const { brokerLine, broker, disk } = this.#kafka();
    await broker.stop();
    const where = { home: disk.path, java: testJava, port: broker.port };
    this.#kafka().broker = await startKafka({ ...where, advertisedPort: brokerLine.port });
  }

  async startConnect(): Promise<void> {
    const { connect, brokerLine, disk } = this.#kafka();
    await connect.stop();
    const bootstrap = `127.0.0.1:${brokerLine.port}`;
    this.#kafka().connect = await startConnect({ home: disk.path, java: testJava, port: connect.port, bootstrap });
  }

  /** Moves the clock of every engine, now. */
  async moveClock(ms: number): Promise<void> {
    await Bun.write(this.#clock, String(ms));
  }

  get #clock(): string {
    return join(this.driven.tree.path, "clock");
  }

  /** Waits until the database answers. */
  async databaseAnswers(): Promise<void> {
    await eventually("the database answers", async () => (await this.sql`select 1`).length === 1, 90_000);
  }

  async close(): Promise<void> {
    await Promise.all(this.engines.map((engine) => engine.end("SIGKILL")));
    await this.sql.end({ timeout: 5 }).catch(() => undefined);
    if (this.kafka !== null) {
      // The worker first: without its broker it would not end before its grace is over.
      for (const part of [this.kafka.connect, this.kafka.broker]) {
        part.kill("SIGCONT");
        part.kill("SIGKILL");
        await part.stop();
      }
      await this.kafka.disk.remove();
      await this.kafka.brokerLine.close();
      await this.kafka.connectLine.close();
    }
    await this.postgres.stop();
    await this.databaseLine.close();
    await this.driven.tree.remove();
    await this.disk.remove();
  }

  #kafka(): KafkaParts {
    if (this.kafka === null) throw new Error("there is no Kafka in this world");
    return this.kafka;
  }
}

async function openKafka(pids: () => readonly number[]): Promise<KafkaParts> {
  const disk = await Disk.mount(DISK_MB);
  const home = disk.path;
  const port = (await freePort()) as number;
  const brokerLine = await Line.open(port, pids);
  const broker = await startKafka({ home, java: testJava, port, advertisedPort: brokerLine.port });
  const connect = await startConnect({ home, java: testJava, bootstrap: `127.0.0.1:${brokerLine.port}` });
  return { disk, broker, connect, brokerLine, connectLine: await Line.open(connect.port, pids) };
}

function connected(url: string): postgres.Sql {
  return postgres(url, {
    max: 6,
    onnotice: () => {},
    connect_timeout: 5,
    types: { bigint: { to: 20, from: [20], parse: Number, serialize: String } },
  });
}
