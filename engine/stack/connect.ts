import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";

import { choosePort, type PortWish } from "./chosen-port.ts";
import { type RunningService, startJava, stopOrphan } from "./java-service.ts";
import { fetchJars } from "./maven.ts";
import { writeProperties } from "./properties-file.ts";
import { type Compilers, heapsMb, workerMain, workerSettings } from "./stack-settings.ts";

/** Where the worker lives and which broker it serves. `java` and `compilers` as in `startKafka`. */
export interface ConnectOptions extends PortWish {
  readonly home: string;
  readonly bootstrap: string;
  readonly java?: string;
  readonly compilers?: Compilers | undefined;
}

/** One Connect worker that accepts connectors at `url`. */
export interface RunningConnect extends RunningService {
  readonly url: string;
  readonly port: number;
}

/**
 * Starts one Kafka Connect worker (distributed mode) with Debezium's PostgreSQL connector on 127.0.0.1.
 * Connectors and offsets live in Kafka topics; `<home>/connect.properties` and `<home>/connect.log` are all its files.
 * Throws StackError `stack.connect-failed`, `stack.port-taken` and those of `fetchJars`.
 */
export async function startConnect(options: ConnectOptions): Promise<RunningConnect> {
  const home = resolve(options.home);
  await mkdir(home, { recursive: true });
  const jars = await fetchJars(options.java ?? join(home, "java"));
  await stopOrphan({ name: "connect", home });
  const port = await choosePort("Kafka Connect", options);
  const url = `http://127.0.0.1:${port}`;
  const file = join(home, "connect.properties");
  await writeProperties(file, workerSettings(options.bootstrap, port));
  const program = { name: "connect", home, jars, heapMb: heapsMb.connect, compilers: options.compilers };
  const worker = { ...program, main: workerMain, arguments: [file] };
  const service = await startJava(worker, () => isHealthy(url));
  return { ...service, url, port };
}

/** The worker's own health check: it has read its topics and joined its group, so it takes connectors. */
async function isHealthy(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(5_000) });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false;
  }
}
