import { mkdir, rename, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";

import { Kafka, logLevel } from "kafkajs";

import { choosePort, type PortWish } from "./chosen-port.ts";
import { type JavaProgram, type RunningService, runJava, startJava, stopOrphan } from "./java-service.ts";
import { fetchJars } from "./maven.ts";
import { writeProperties } from "./properties-file.ts";
import { brokerSettings, type Compilers, heapsMb } from "./stack-settings.ts";

/** Where the broker lives. `java` is the folder of fetched jars, `<home>/java` by default; `compilers`: `quick` by default. */
export interface KafkaOptions extends PortWish {
  readonly home: string;
  readonly java?: string;
  readonly compilers?: Compilers | undefined;
  /** Where clients are told to reach it, when a proxy stands before it; `port` by default. */
  readonly advertisedPort?: number;
}

/** One broker that answers. `brokers` is what clients call the bootstrap list. */
export interface RunningKafka extends RunningService {
  readonly brokers: string;
  readonly port: number;
}

/**
 * Starts one Kafka node (KRaft, its own controller) on 127.0.0.1, with its log under `<home>/kafka`.
 * Throws StackError `stack.kafka-failed`, `stack.port-taken` and those of `fetchJars`.
 */
export async function startKafka(options: KafkaOptions): Promise<RunningKafka> {
  const home = resolve(options.home);
  await mkdir(home, { recursive: true });
  const jars = await fetchJars(options.java ?? join(home, "java"));
  await stopOrphan({ name: "kafka", home });
  const port = await choosePort("Kafka", options);
  const controllerPort = await choosePort("Kafka's controller", {});
  const file = join(home, "kafka.properties");
  const program = { home, jars, heapMb: heapsMb.kafka };
  await format(program, file, brokerSettings(port, controllerPort));
  const settings = brokerSettings(port, controllerPort, options.advertisedPort);
  await writeProperties(file, { ...settings, "log.dirs": join(home, "kafka") });
  const { compilers } = options;
  const broker = { ...program, compilers, name: "kafka", main: "kafka.Kafka", arguments: [file] };
  const service = await startJava(broker, () => answers(`127.0.0.1:${port}`));
  return { ...service, brokers: `127.0.0.1:${port}`, port };
}

/** Under its final name the folder is formatted: what an interrupted run left is a draft and thrown away. */
async function format(program: Omit<JavaProgram, "name" | "main" | "arguments">, file: string, common: object) {
  const data = join(program.home, "kafka");
  if (await stat(data).catch(() => undefined)) return;
  const draft = `${data}.new`;
  await rm(draft, { recursive: true, force: true });
  await writeProperties(file, { ...common, "log.dirs": draft });
  const arguments_ = ["format", "--cluster-id", clusterId(), "--config", file];
  await runJava({ ...program, name: "kafka-format", main: "kafka.tools.StorageTool", arguments: arguments_ });
  await rename(draft, data);
}

/** One of 64 begins with a dash, which the program takes for an option. */
function clusterId(): string {
  const id = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64url");
  return id.startsWith("-") ? clusterId() : id;
}

async function answers(broker: string): Promise<boolean> {
  const options = { clientId: "ekiden-stack", connectionTimeout: 2_000, requestTimeout: 5_000, retry: { retries: 0 } };
  const admin = new Kafka({ ...options, brokers: [broker], logLevel: logLevel.NOTHING }).admin();
  try {
    await admin.connect();
    return (await admin.describeCluster()).brokers.length > 0;
  } catch {
    return false;
  } finally {
    await admin.disconnect();
  }
}
