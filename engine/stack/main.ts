import { join, resolve } from "node:path";

import { endSignals } from "../end-signals.ts";
import { lockHome } from "./home-lock.ts";
import { tail } from "./java-service.ts";
import { identifyProcess } from "./process-identity.ts";
import { StackError } from "./stack-error.ts";
import { stackPorts } from "./stack-settings.ts";
import { type RunningStack, startStack } from "./start-stack.ts";

/** `bun run stack`: runs until it is told to stop, or until one of its parts ends. Returns the exit code. */
async function main(): Promise<number> {
  const root = resolve(process.env.EKIDEN_HOME || ".ekiden");
  const home = join(root, "stack");
  const stopping = new AbortController();
  for (const signal of endSignals()) process.on(signal, () => stopping.abort(signal));
  const lock = await lockHome(home, "stack");
  try {
    console.log("starting PostgreSQL 18, Kafka and Kafka Connect with Debezium (the first time fetches 60 MB) ...");
    const began = performance.now();
    const stack = await startStack({ home, java: join(root, "java"), ports: stackPorts, signal: stopping.signal });
    for (const moved of movedPorts(stack)) console.log(moved);
    console.log(describe(stack, home, performance.now() - began));
    return await untilTheEnd(stack, home, stopping.signal);
  } catch (error) {
    if (stopping.signal.aborted) return 0;
    throw error;
  } finally {
    await lock.release();
  }
}

/** What listens elsewhere than usual, because another program has the port: a block copied from the README would miss it. */
function movedPorts(stack: RunningStack): string[] {
  const now = { postgres: stack.postgres.port, kafka: stack.kafka.port, connect: stack.connect.port };
  return (["postgres", "kafka", "connect"] as const)
    .filter((part) => now[part] !== stackPorts[part])
    .map(
      (part) =>
        `port ${stackPorts[part]} is taken: ${part} listens on ${now[part]} instead; export the variables below`,
    );
}

async function untilTheEnd(stack: RunningStack, home: string, signal: AbortSignal): Promise<number> {
  const dead = await firstDead(stack, home, signal);
  if (dead !== undefined) {
    console.error(`${dead.name} ended by itself; the last lines of ${dead.log}:\n${await tail(dead.log)}`);
  }
  console.log("stopping ...");
  await stack.stop();
  console.log("stopped.");
  return dead === undefined ? 0 : 1;
}

interface Part {
  readonly name: string;
  readonly pid: number;
  readonly log: string;
}

async function firstDead(stack: RunningStack, home: string, signal: AbortSignal): Promise<Part | undefined> {
  const parts: Part[] = [
    { name: "PostgreSQL", pid: stack.postgres.pid, log: join(home, "postgres.log") },
    { name: "Kafka", pid: stack.kafka.pid, log: stack.kafka.log },
    { name: "Kafka Connect", pid: stack.connect.pid, log: stack.connect.log },
  ];
  const identities = await Promise.all(parts.map(({ pid }) => identifyProcess(pid)));
  while (!signal.aborted) {
    for (const [at, part] of parts.entries()) {
      const identity = await identifyProcess(part.pid);
      if (identity === undefined || identity !== identities[at]) return part;
    }
    // An adopted PostgreSQL is not our child, so its end is seen only by looking.
    await Promise.race([Bun.sleep(500), new Promise((wake) => signal.addEventListener("abort", wake, { once: true }))]);
  }
  return undefined;
}

function describe(stack: RunningStack, home: string, tookMs: number): string {
  return [
    `ready in ${(tookMs / 1000).toFixed(1)} s; data and logs are under ${home}`,
    `  PostgreSQL 18   127.0.0.1:${stack.postgres.port}  pid ${stack.postgres.pid}`,
    `  Kafka           ${stack.brokers}  pid ${stack.kafka.pid}`,
    `  Kafka Connect   ${stack.connectUrl}  pid ${stack.connect.pid}`,
    "",
    "In another terminal, before `bun run engine`:",
    `export DATABASE_URL=${stack.databaseUrl}`,
    `export KAFKA_BROKERS=${stack.brokers}`,
    `export KAFKA_CONNECT_URL=${stack.connectUrl}`,
    "",
    "Ctrl-C stops all three.",
  ].join("\n");
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof StackError)) throw error;
  console.error(`${error.message}\n${error.hint}`);
  process.exitCode = 1;
}
// Sockets of clients that were told to close may linger for seconds; nothing is left to wait for.
process.exit();
