import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { type RunningConnect, startConnect } from "./connect.ts";
import { type RunningPostgres, startEmbeddedPostgres } from "./embedded-postgres.ts";
import { freePort } from "./free-port.ts";
import { stopOrphan } from "./java-service.ts";
import { type RunningKafka, startKafka } from "./kafka.ts";
import { fetchJars } from "./maven.ts";
import { asFolderError } from "./stack-error.ts";
import type { Compilers } from "./stack-settings.ts";

/** Ports to take if they are free; another free one is taken otherwise. */
export interface PreferredPorts {
  readonly postgres?: number;
  readonly kafka?: number;
  readonly connect?: number;
}

/**
 * `java`: the folder of fetched jars, `<home>/java` by default. `compilers`: of Kafka's and Connect's JVM, `quick` by
 * default. `signal`: gives up and stops what was started.
 */
export interface StackOptions {
  readonly home: string;
  readonly java?: string;
  readonly ports?: PreferredPorts;
  readonly compilers?: Compilers;
  readonly signal?: AbortSignal;
}

/** PostgreSQL, Kafka and Kafka Connect with Debezium, all answering. `stop` ends them in the order of their use. */
export interface RunningStack {
  readonly databaseUrl: string;
  readonly brokers: string;
  readonly connectUrl: string;
  readonly postgres: RunningPostgres;
  readonly kafka: RunningKafka;
  readonly connect: RunningConnect;
  stop(): Promise<void>;
}

/** Starts the whole stack under `home`, or nothing: when one part fails, the others are stopped. Throws StackError. */
export async function startStack({ home, java, ports = {}, compilers, signal }: StackOptions): Promise<RunningStack> {
  await mkdir(home, { recursive: true }).catch((error: unknown) => {
    throw asFolderError(home, error);
  });
  const jars = java ?? join(home, "java");
  await fetchJars(jars, signal);
  // An orphaned worker goes first: without its broker it would not end before its grace is over.
  await stopOrphan({ name: "connect", home });
  const started: { stop(): Promise<void> }[] = [];
  const keep = <T extends { stop(): Promise<void> }>(part: T) => {
    started.push(part);
    signal?.throwIfAborted();
    return part;
  };
  try {
    const first = await Promise.allSettled([
      startPostgres(home, ports.postgres).then(keep),
      startKafka({ home, java: jars, compilers, preferredPort: ports.kafka ?? 0 }).then(keep),
    ]);
    const [postgres, kafka] = [settled(first[0]), settled(first[1])];
    const bootstrap = kafka.brokers;
    const worker = { home, java: jars, compilers, bootstrap, preferredPort: ports.connect ?? 0 };
    const connect = keep(await startConnect(worker));
    return present(postgres, kafka, connect);
  } catch (error) {
    await Promise.allSettled(started.map((part) => part.stop()));
    throw error;
  }
}

async function startPostgres(home: string, preferredPort = 0): Promise<RunningPostgres> {
  // Taken by our own orphan or by somebody else: then the server of last time is adopted, or any free port will do.
  const port = preferredPort === 0 ? 0 : ((await freePort(preferredPort)) ?? 0);
  return startEmbeddedPostgres({ home, port });
}

function settled<T>(result: PromiseSettledResult<T>): T {
  if (result.status === "rejected") throw result.reason;
  return result.value;
}

function present(postgres: RunningPostgres, kafka: RunningKafka, connect: RunningConnect): RunningStack {
  return {
    databaseUrl: postgres.url,
    brokers: kafka.brokers,
    connectUrl: connect.url,
    postgres,
    kafka,
    connect,
    stop: async () => {
      // Connect first, while its broker and its database still take the last offsets.
      await connect.stop();
      await Promise.all([kafka.stop(), postgres.stop()]);
    },
  };
}
