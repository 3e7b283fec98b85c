import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { startEmbeddedPostgres } from "../engine/stack/embedded-postgres.ts";
import { startStack } from "../engine/stack/start-stack.ts";

const root = resolve(import.meta.dir, "..");

/** Servers for a benchmark: PostgreSQL alone, or with Kafka and Connect. `pids`: whose CPU is counted, by name. */
export interface Servers {
  readonly databaseUrl: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly pids: Readonly<Record<string, number>>;
  stop(): Promise<void>;
}

/**
 * Starts the servers with the settings that users get, in a folder that is gone afterwards. Kafka and Connect run with all of
 * Java's compilers, as they do where they are not started anew each day.
 */
export async function startServers(kind: "embedded" | "kafka"): Promise<Servers> {
  const home = await benchHome();
  if (kind === "embedded") {
    const postgres = await startEmbeddedPostgres({ home });
    return {
      databaseUrl: postgres.url,
      environment: { DATABASE_URL: postgres.url },
      pids: { postgres: postgres.pid },
      stop: () => postgres.stop().finally(() => rm(home, { recursive: true, force: true })),
    };
  }
  const stack = await startStack({ home, java: join(root, ".ekiden/java"), compilers: "all" });
  return {
    databaseUrl: stack.databaseUrl,
    environment: {
      DATABASE_URL: stack.databaseUrl,
      KAFKA_BROKERS: stack.brokers,
      KAFKA_CONNECT_URL: stack.connectUrl,
    },
    pids: { postgres: stack.postgres.pid, kafka: stack.kafka.pid, connect: stack.connect.pid },
    stop: () => stack.stop().finally(() => rm(home, { recursive: true, force: true })),
  };
}

/** A new home that PostgreSQL's own user can enter: run by root, the data would else be moved out and stay behind. */
export async function benchHome(): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), "ekiden-bench-"));
  await chmod(home, 0o755);
  return home;
}

/** An engine process on those servers, with the benchmark's own domains. */
export interface EngineProcess {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Starts `bun run engine` and waits until it is ready; `url` is empty when it has no API. @throws when it ends instead, with what it said. */
export async function startEngineProcess(environment: Readonly<Record<string, string>>): Promise<EngineProcess> {
  const child = Bun.spawn([process.execPath, join(root, "engine/boot.ts"), "engine/main.ts"], {
    cwd: root,
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: process.env["HOME"] ?? "",
      PORT: "0",
      EKIDEN_LOG: "json",
      EKIDEN_DOMAINS: join(import.meta.dir, "domains"),
      ...environment,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  // An interrupted benchmark leaves none behind, whenever that comes.
  process.once("exit", () => child.kill("SIGTERM"));
  const url = await addressOf(child);
  return {
    url,
    pid: child.pid,
    async stop() {
      child.kill("SIGTERM");
      await child.exited;
    },
  };
}

async function addressOf(child: Bun.Subprocess<"ignore", "pipe", "inherit">): Promise<string> {
  let text = "";
  // To its end: what the engine says later has to be read as well, or its pipe would fill.
  const reading = (async () => {
    for await (const chunk of child.stdout) text += new TextDecoder().decode(chunk);
  })();
  const ended = reading.then(() => true);
  for (;;) {
    if (text.includes("Ekiden is ready")) return /http:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0] ?? "";
    if (await Promise.race([ended, Bun.sleep(20).then(() => false)]))
      throw new Error(`the engine ended before it was ready:\n${text}`);
  }
}
