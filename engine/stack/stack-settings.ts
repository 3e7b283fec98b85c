/**
 * What the servers of the stack are started with, wherever they run. `bun run stack` takes it from here, and
 * tests/architecture holds compose.yaml and its Dockerfiles to it. Versions of Java parts stand in pom.xml, that of
 * PostgreSQL in package.json.
 */

/** Where the parts listen, on 127.0.0.1. */
export const stackPorts = { postgres: 55432, kafka: 9092, connect: 8083 } as const;

/** The oldest Java that runs Kafka 4 and Debezium 3.7. */
export const javaOldest = 17;

/** Largest Java heaps, MiB. */
export const heapsMb = { kafka: 256, connect: 512 } as const;

/** The program of a Connect worker in distributed mode; its one argument is its properties file. */
export const workerMain = "org.apache.kafka.connect.cli.ConnectDistributed";

/** How Maven is asked for every jar of pom.xml. */
export const jarsGoal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";

/** How the data folder of PostgreSQL is made. */
export const initdbOptions = [
  "--auth=scram-sha-256",
  // The built-in locale sorts the same on every machine; a system's locale changes with its C library.
  "--encoding=UTF8",
  "--locale=C",
  "--locale-provider=builtin",
  "--builtin-locale=C.UTF-8",
] as const;

/** Settings of the PostgreSQL server. */
export const serverSettings: Readonly<Record<string, string>> = {
  listen_addresses: "127.0.0.1",
  max_connections: "200",
  wal_level: "logical",
  max_wal_senders: "20",
  max_replication_slots: "20",
  // An outbox reader that stays away must not fill the disk: the outbox itself can feed it anew.
  max_slot_wal_keep_size: "2GB",
  fsync: "on",
  full_page_writes: "on",
  synchronous_commit: "on",
  timezone: "UTC",
  log_timezone: "UTC",
};

/**
 * Which of its compilers a JVM uses. The quick one alone boots the stack in 4.2 s on two cores, against 5.5 s; with all of
 * them, once they have seen some 10,000 sagas, Kafka and Connect spend two thirds of the CPU on one.
 */
export type Compilers = "quick" | "all";

/** Flags of a JVM whose jars lie in the folder `jars`. */
export function jvmFlags(jars: string, heapMb: number, compilers: Compilers): readonly string[] {
  const quick = compilers === "quick" ? ["-XX:TieredStopAtLevel=1"] : [];
  return [`-Xmx${heapMb}m`, "-XX:+UseSerialGC", ...quick, "-Xshare:auto", "-cp", `${jars}/*`];
}

/**
 * Properties of the one broker, which is its own controller: both listen on 127.0.0.1. `log.dirs` comes on top.
 * `advertisedPort`: where clients reach it, when that is a proxy.
 */
export function brokerSettings(
  port: number,
  controllerPort: number,
  advertisedPort = port,
): Readonly<Record<string, string | number>> {
  return {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.quorum.voters": `1@127.0.0.1:${controllerPort}`,
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${advertisedPort}`,
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

/** Properties of the Connect worker, which listens on 127.0.0.1. */
export function workerSettings(bootstrap: string, port: number): Readonly<Record<string, string | number>> {
  const stringConverter = "org.apache.kafka.connect.storage.StringConverter";
  return {
    "bootstrap.servers": bootstrap,
    "group.id": "ekiden-connect",
    listeners: `http://127.0.0.1:${port}`,
    "rest.advertised.host.name": "127.0.0.1",
    "key.converter": stringConverter,
    "value.converter": stringConverter,
    "header.converter": stringConverter,
    "config.storage.topic": "connect-configs",
    "config.storage.replication.factor": 1,
    "offset.storage.topic": "connect-offsets",
    "offset.storage.replication.factor": 1,
    "offset.storage.partitions": 1,
    "status.storage.topic": "connect-status",
    "status.storage.replication.factor": 1,
    "status.storage.partitions": 1,
    // How much is sent again after a crash, and how often the slot is acknowledged. Exactly-once is left off: consumers
    // are idempotent, and with it a task that failed to send hung, shown as RUNNING, in 3 of 12 induced failures.
    "offset.flush.interval.ms": 1000,
    // One task: nothing is gained by keeping its place for five minutes after a worker has died.
    "scheduled.rebalance.max.delay.ms": 0,
    "plugin.discovery": "service_load",
    "connector.client.config.override.policy": "All",
  };
}
