import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";

import { type ContainerFiles, composeFaults } from "./compose-rules.ts";
import { instructionsOf } from "./dockerfile.ts";
import { projectFiles, root } from "./project-files.ts";

function source(path: string): string {
  return projectFiles(path)[0]?.source ?? "";
}

const files: ContainerFiles = {
  compose: source("compose.yaml"),
  connectDockerfile: source("engine/stack/connect.Dockerfile"),
  engineDockerfile: source("engine/stack/engine.Dockerfile"),
  pom: source("engine/stack/pom.xml"),
  packageJson: source("package.json"),
};

test("compose.yaml and its Dockerfiles say what the stack and the engine say", () => {
  expect(composeFaults(files)).toEqual([]);
});

test("everything that the engine's image copies is there, and nothing of it is kept out", () => {
  const kept = source(".dockerignore")
    .split("\n")
    .filter((line) => line.startsWith("!"))
    .map((line) => line.slice(1));
  const copied = instructionsOf(files.engineDockerfile)
    .filter(({ name, text }) => name === "COPY" && !text.startsWith("--from"))
    .flatMap(({ text }) => text.split(/\s+/).slice(0, -1));

  expect(copied.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  expect([...new Set(copied)].sort()).toEqual(kept.sort());
});

/** One change each, and the sentence that has to report it. */
const OFFENDERS: readonly (readonly [file: keyof ContainerFiles, from: string | RegExp, to: string, fault: string])[] =
  [
    ["compose", "postgres:18.4", "postgres:17.4", "postgres: image is postgres:17.4"],
    ["packageJson", /18\.4\.0-beta/g, "18.5.0-beta", "postgres: image is postgres:18.4, not postgres:18.5"],
    ["compose", "apache/kafka:4.3.1", "apache/kafka:4.2.0", "kafka: image is"],
    ["pom", "<version.kafka>4.3.1", "<version.kafka>4.4.0", "not apache/kafka:4.4.0"],
    ["compose", "apache/kafka", "images.example.com/apache/kafka", "names a registry"],
    ["compose", "apache/kafka:4.3.1", "apache/kafka:latest", "has no version"],
    ["compose", "-cport=55432", "-cport=5432", "postgres: port is 5432, not 55432"],
    ["compose", "      - -cwal_level=logical\n", "", "postgres: wal_level is missing"],
    ["compose", "keep_size=2GB", "keep_size=-1", "postgres: max_slot_wal_keep_size is -1, not 2GB"],
    ["compose", "-cfsync=on", "-cfsync=on\n      - -cautovacuum=off", "postgres: autovacuum is not a setting"],
    ["compose", "addresses=127.0.0.1", "addresses=*", "postgres: listen_addresses is *"],
    ["compose", "--encoding=UTF8 ", "", "postgres: POSTGRES_INITDB_ARGS is"],
    ["compose", /\$\{EKIDEN_POSTGRES_PASSWORD[^}]*\}/, "secret", "postgres: its password stands in the file"],
    ["compose", "POSTGRES_DB: ekiden", "POSTGRES_DBNAME: ekiden", "the variable POSTGRES_DBNAME is not known"],
    ["compose", "MIN_ISR", "MINIMUM_ISR", "kafka: transaction.state.log.min.isr is missing"],
    ["compose", "STATE_LOG_NUM", "STATE_LOG__NUM", "kafka: transaction.state.log_num.partitions is not a setting"],
    ["compose", "PLAINTEXT://127.0.0.1:9092,", "PLAINTEXT://:9092,", "kafka: listeners is PLAINTEXT://:9092"],
    ["compose", /127\.0\.0\.1:9093/g, "127.0.0.1:8083", "controller's port 8083 belongs to another part"],
    ["compose", "-Xmx256m", "-Xmx1g", "kafka: KAFKA_HEAP_OPTS is -Xmx1g"],
    ["compose", "CLUSTER_ID: ZW", "CLUSTER_ID: ", "CLUSTER_ID is not 16 bytes"],
    ["compose", "DIRS: /var/lib/kafka/data", "DIRS: /tmp", "kafka: log.dirs is /tmp"],
    ["compose", "group.id=ekiden-connect", "group.id=connect", "connect: group.id is connect"],
    ["compose", "      plugin.discovery=service_load\n", "", "connect: plugin.discovery is missing"],
    ["compose", "target: /etc/ekiden/connect", "target: /etc/connect", "connect.Dockerfile: ENTRYPOINT is"],
    ["compose", "8083/health", "8083/", "connect: health check does not look at"],
    ["connectDockerfile", "-Xmx512m", "-Xmx1g", "connect.Dockerfile: ENTRYPOINT is"],
    ["connectDockerfile", "plugin:3.8.1", "plugin:3.9.0", "connect.Dockerfile: RUN is"],
    ["connectDockerfile", "COPY pom.xml", "COPY other.xml", "connect.Dockerfile: COPY is other.xml"],
    ["connectDockerfile", "eclipse-temurin:21-jre", "eclipse-temurin:11-jre", "has no Java 17 or newer"],
    ["connectDockerfile", "USER nobody", "USER root", "connect.Dockerfile: runs as root"],
    ["engineDockerfile", "USER bun\n", "", "engine.Dockerfile: runs as root"],
    ["engineDockerfile", "oven/bun:1.4.4", "oven/bun:1.3.0", "engine.Dockerfile: FROM is oven/bun:1.3.0"],
    ["engineDockerfile", "/health/ready", "/health/live", "does not ask /health/ready"],
    ["compose", "127.0.0.1:55432/ekiden", "127.0.0.1:5432/ekiden", "engine: DATABASE_URL is"],
    ["compose", "KAFKA_BROKERS: 127.0.0.1:9092", "KAFKA_BROKERS: 127.0.0.1:9094", "engine: KAFKA_BROKERS is"],
    ["compose", "EKIDEN_LOG: json", "EKIDEN_LOGS: json", "engine: the variable EKIDEN_LOGS is not known"],
    ["compose", "EKIDEN_LOG: json", "EKIDEN_LOG: xml", "engine: EKIDEN_LOG must be pretty or json"],
    ["compose", "HOST: 127.0.0.1", "HOST: 0.0.0.0", "engine: HOST 0.0.0.0 is not a loopback address"],
    ["compose", "    init: true", '    init: true\n    ports: ["8080:8080"]', "engine: publishes 8080:8080"],
    [
      "compose",
      /network_mode: host\n {4}# Passes/,
      "network_mode: bridge\n    # Passes",
      "engine: network_mode is bridge",
    ],
    ["compose", "    init: true", "    init: true\n    privileged: true", "services.engine.privileged"],
    ["compose", 'KAFKA_NODE_ID: "1"', "KAFKA_NODE_ID: 1", "services.kafka.environment.KAFKA_NODE_ID"],
    ["compose", /service_healthy/g, "service_started", "engine: depends_on connect is service_started"],
  ];

test.each(OFFENDERS)("%s: %s → %s is found", (file, from, to, fault) => {
  const changed = files[file].replace(from, to);

  expect(changed).not.toBe(files[file]);
  expect(composeFaults({ ...files, [file]: changed }).join("\n")).toContain(fault);
});
