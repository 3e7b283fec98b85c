import { expect, test } from "bun:test";

import { variableNames } from "../../engine/config.ts";
import { KNOWN_VARIABLES, unknownVariables } from "../../engine/unknown-variables.ts";
import type { SourceFile } from "../architecture/import-rules.ts";
import { projectFiles } from "../architecture/project-files.ts";

const named = (environment: Record<string, string>) =>
  unknownVariables(environment).map(({ name, meant }) => [name, meant]);

test.each([
  ["EKIDEN_PROT", "PORT"],
  ["EKIDEN_PORT", "PORT"],
  ["EKIDEN_RATELIMIT", "EKIDEN_RATE_LIMIT"],
  ["EKIDEN_KAFKA_BROKERS", "KAFKA_BROKERS"],
  ["EKIDEN_DATABASE_URL", "DATABASE_URL"],
  ["ekiden_log", "EKIDEN_LOG"],
  ["KAFKA_BROKER", "KAFKA_BROKERS"],
  ["KAFKA_SASL_USRNAME", "KAFKA_SASL_USERNAME"],
])("%s is no variable, and %s was meant", (name, meant) => {
  expect(named({ [name]: "1" })).toEqual([[name, meant]]);
});

test("a name that is like no other is named all the same, without a guess", () => {
  expect(named({ EKIDEN_FOO: "1", EKIDEN_FUTURE_THING: "on" })).toEqual([
    ["EKIDEN_FOO", undefined],
    ["EKIDEN_FUTURE_THING", undefined],
  ]);
});

test("what others may have set is passed over: Kafka's own variables, Kubernetes' links to services, empty ones", () => {
  const kafka = { KAFKA_HEAP_OPTS: "-Xmx1g", KAFKA_HOME: "/opt/kafka", KAFKA_OPTS: "", KAFKA_LISTENERS: "A" };
  const links = {
    EKIDEN_SERVICE_HOST: "10.0.0.1",
    EKIDEN_SERVICE_PORT: "8080",
    EKIDEN_SERVICE_PORT_HTTP: "8080",
    EKIDEN_PORT: "tcp://10.0.0.1:8080",
    EKIDEN_PORT_8080_TCP: "tcp://10.0.0.1:8080",
    EKIDEN_PORT_8080_TCP_PROTO: "tcp",
    EKIDEN_PORT_8080_TCP_PORT: "8080",
    EKIDEN_PORT_8080_TCP_ADDR: "10.0.0.1",
    EKIDEN_API_PORT: "tcp://10.0.0.1:8080",
    KAFKA_PORT: "tcp://10.0.0.1:9092",
  };
  expect(named({ ...kafka, ...links, EKIDEN_PROT: "", PATH: "/bin", CONNECT_REST_PORT: "8083" })).toEqual([]);
});

test("every variable that the program knows is one", () => {
  expect(named(Object.fromEntries(KNOWN_VARIABLES.map((name) => [name, "1"])))).toEqual([]);
  for (const name of variableNames) expect(KNOWN_VARIABLES).toContain(name);
});

/** Names of the project's variables in a text; `EKIDEN_JWT_*` stands for its family. */
function mentioned({ source }: SourceFile): string[] {
  return [...source.matchAll(/\b(?:EKIDEN|KAFKA)_[A-Z0-9_]*[A-Z0-9]\b(?!_?\*)/g)].map(([name]) => name);
}

/** Variables that a file names and the program does not know. */
function strange(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) =>
    mentioned(file)
      .filter((name) => !KNOWN_VARIABLES.includes(name))
      .map((name) => `${file.path}: ${name}`),
  );
}

test("no source names a variable that the program would call unknown, and none is known that nothing reads", () => {
  const engine = projectFiles("engine/**/*.{ts,tsx}").filter(({ path }) => path !== "engine/unknown-variables.ts");
  expect(strange(engine)).toEqual([]);
  expect(strange([{ path: "engine/planted.ts", source: "const { EKIDEN_NEW_ONE } = process.env;" }])).toEqual([
    "engine/planted.ts: EKIDEN_NEW_ONE",
  ]);
  const around = projectFiles("compose.yaml", "deploy/**/*.{yaml,json,md}");
  const read = new Set([...engine, ...around].flatMap(mentioned));
  const own = KNOWN_VARIABLES.filter((name) => /^(?:EKIDEN|KAFKA)_/.test(name));
  expect(own.filter((name) => !read.has(name))).toEqual([]);
});
