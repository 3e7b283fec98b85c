import { mkdir, rename, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";

import { Kafka, logLevel } from "kafkajs";

import { choosePort, type PortWish } from "./chosen-port.ts";
import { type JavaProgram, type RunningService, runJava, startJava, stopOrphan } from "./java-service.ts";
import { fetchJars } from "./maven.ts";
import { writeProperties } from "./properties-file.ts";

/** Where the broker lives. `java` is the folder of fetched jars, `<home>/java` by default. */
export interface KafkaOptions extends PortWish {
  readonly home: string;
  readonly java?: string;
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
  const program = { home, jars, heapMb: 256 };
  await format(program, file, settings(port, controllerPort));
  await writeProperties(file, { ...settings(port, controllerPort), "log.dirs": join(home, "kafka") });
  const broker = { ...program, name: "kafka", main: "kafka.Kafka", arguments: [file] };
  const service = await startJava(broker, () => answers(`127.0.0.1:${port}`));
  return { ...service, brokers: `127.0.0.1:${port}`, port };
}

function settings(port: number, controllerPort: number): Record<string, string | number> {
  return {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.quorum.voters": `1@127.0.0.1:${controllerPort}`,
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${port}`,
    // A mistyped topic must fail where it is used; the engine creates its topics itself.
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 8,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 8,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "group.initial.rebalance.delay.ms": 0,
    "group.min.session.timeout.ms": 6000,
    // After kill -9 the broker's own registration keeps it out for this long; the default is 9 s.
    "broker.session.timeout.ms": 3000,
    "broker.heartbeat.interval.ms": 1000,
    // The default of 128 MiB would be half of the heap.
    "log.cleaner.dedupe.buffer.size": 8 * 1024 * 1024,
  };
}

/** Under its final name the folder is formatted: what an interrupted run left is a draft and thrown away. */
async function format(program: Omit<JavaProgram, "name" | "main" | "arguments">, file: string, common: object) {
  const data = join(program.home, "kafka");
  if (await stat(data).catch(() => undefined)) return;
  const draft = `${data}.new`;
  await rm(draft, { recursive: true, force: true });
  await writeProperties(file, { ...common, "log.dirs": draft });
  const id = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64url");
  const arguments_ = ["format", "--cluster-id", id, "--config", file];
  await runJava({ ...program, name: "kafka-format", main: "kafka.tools.StorageTool", arguments: arguments_ });
  await rename(draft, data);
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
