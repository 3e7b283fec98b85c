import { existsSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { parseAllDocuments } from "yaml";

import { type Config, isLoopback, parseConfig, variableNames } from "../../engine/config.ts";
import type { SourceFile } from "./import-rules.ts";
import { root } from "./project-files.ts";

/** A process that a file of deploy/ starts. */
interface Process {
  readonly where: string;
  readonly name: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly port: number | undefined;
  /** Paths and ports that are asked whether it is alive or ready. */
  readonly probes: readonly { readonly kind: "live" | "ready"; readonly path: string; readonly port: number }[];
  /** Seconds between the signal that stops it and its end. */
  readonly stopSeconds: number;
  readonly image: string;
}

const Pair = v.object({ name: v.string(), value: v.string() });
const TaskDefinition = v.object({
  family: v.string(),
  containerDefinitions: v.tuple([
    v.object({
      image: v.string(),
      environment: v.array(Pair),
      secrets: v.array(v.object({ name: v.string(), valueFrom: v.string() })),
      portMappings: v.optional(v.tuple([v.object({ containerPort: v.number() })])),
      healthCheck: v.object({ command: v.array(v.string()) }),
      stopTimeout: v.number(),
    }),
  ]),
});

const Probe = v.object({ httpGet: v.object({ path: v.string(), port: v.number() }) });
const Deployment = v.object({
  kind: v.literal("Deployment"),
  metadata: v.object({ name: v.string() }),
  spec: v.object({
    template: v.object({
      spec: v.object({
        terminationGracePeriodSeconds: v.number(),
        containers: v.tuple([
          v.object({
            image: v.string(),
            env: v.array(Pair),
            ports: v.tuple([v.object({ containerPort: v.number() })]),
            lifecycle: v.optional(v.object({ preStop: v.object({ sleep: v.object({ seconds: v.number() }) }) })),
            livenessProbe: Probe,
            readinessProbe: Probe,
          }),
        ]),
      }),
    }),
  }),
});
const Shared = v.object({
  kind: v.picklist(["ConfigMap", "Secret"]),
  data: v.optional(v.record(v.string(), v.string())),
  stringData: v.optional(v.record(v.string(), v.string())),
});
const Service = v.object({
  kind: v.literal("Service"),
  spec: v.object({
    selector: v.object({ part: v.string() }),
    ports: v.tuple([v.object({ targetPort: v.number() })]),
  }),
});

/** What a value that is filled in later might be. */
const FILLED: Readonly<Record<string, string>> = {
  DATABASE_URL: "postgres://ekiden:secret@database:5432/ekiden",
  KAFKA_BROKERS: "broker:9096",
};
/** How long the engine takes to stop; see DRAIN_MS in engine/main.ts. */
const DRAIN_SECONDS = 30;

/** Where the files of deploy/ differ from the engine, or leave a domain of `domains` out; one sentence each. */
export function deployFaults(files: readonly SourceFile[], domains: readonly string[], version: string): string[] {
  const services = files.filter(({ path }) => path.startsWith("deploy/aws/services/"));
  const manifests = files.filter(({ path }) => path.startsWith("deploy/kubernetes/"));
  try {
    const kubernetes = kubernetesProcesses(manifests);
    return [
      ...groupFaults("deploy/aws", services.map(awsProcess), domains),
      ...groupFaults("deploy/kubernetes", kubernetes, domains),
      ...kubernetes
        .filter(({ image }) => image !== `ekiden:${version}`)
        .map(({ where, image }) => `${where}: image ${image} is not ekiden:${version}`),
      ...serviceFaults(manifests, kubernetes),
    ];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

function awsProcess({ path, source }: SourceFile): Process {
  const { family, containerDefinitions } = parsed(path, TaskDefinition, JSON.parse(source));
  const [{ image, environment, secrets, portMappings, healthCheck, stopTimeout }] = containerDefinitions;
  const [, port, asked] = /127\.0\.0\.1:(\d+)(\/[a-z/]+)/.exec(healthCheck.command.join(" ")) ?? [];
  return {
    where: path,
    name: family,
    image,
    variables: Object.fromEntries([
      ...environment.map(({ name, value }) => [name, value]),
      ...secrets.map(({ name, valueFrom }) => [name, valueFrom]),
    ]),
    port: portMappings?.[0].containerPort,
    probes: [{ kind: "live", path: asked ?? "", port: Number(port) }],
    stopSeconds: stopTimeout,
  };
}

function kubernetesProcesses(manifests: readonly SourceFile[]): Process[] {
  const shared = documentsOf(manifests)
    .filter(({ document }) => ["ConfigMap", "Secret"].includes((document as { kind?: string }).kind ?? ""))
    .map(({ path, document }) => parsed(path, Shared, document))
    .map(({ data, stringData }) => ({ ...data, ...stringData }));
  return documentsOf(manifests)
    .filter(({ document }) => (document as { kind?: string }).kind === "Deployment")
    .map(({ path, document }) => {
      const { metadata, spec } = parsed(path, Deployment, document);
      const { containers, terminationGracePeriodSeconds } = spec.template.spec;
      const [{ image, env, ports, lifecycle, livenessProbe, readinessProbe }] = containers;
      return {
        where: `${path} ${metadata.name}`,
        name: metadata.name,
        image,
        variables: Object.assign({}, ...shared, ...env.map(({ name, value }) => ({ [name]: value }))),
        port: ports[0].containerPort,
        probes: [
          { kind: "live", ...livenessProbe.httpGet },
          { kind: "ready", ...readinessProbe.httpGet },
        ],
        stopSeconds: terminationGracePeriodSeconds - (lifecycle?.preStop.sleep.seconds ?? 0),
      };
    });
}

function documentsOf(files: readonly SourceFile[]): { readonly path: string; readonly document: unknown }[] {
  return files.flatMap(({ path, source }) =>
    parseAllDocuments(source, { strict: true, uniqueKeys: true }).map((document) => {
      const [fault] = document.errors;
      if (fault !== undefined) throw new Error(`${path}: ${fault.message}`);
      return { path, document: document.toJS() as unknown };
    }),
  );
}

function parsed<S extends v.GenericSchema>(where: string, schema: S, value: unknown): v.InferOutput<S> {
  const found = v.safeParse(schema, value);
  if (found.success) return found.output;
  throw new Error(`${where}: ${found.issues.map((issue) => `${v.getDotPath(issue)}: ${issue.message}`).join("; ")}`);
}

/** Who is missing, who is there twice, and what is wrong with each. */
function groupFaults(where: string, processes: readonly Process[], domains: readonly string[]): string[] {
  const wanted = ["ekiden-api", "ekiden-dispatcher", ...domains.map((domain) => `ekiden-domain-${domain}`)].sort();
  const names = processes.map(({ name }) => name).sort();
  return [
    ...(names.join() === wanted.join() ? [] : [`${where}: starts ${names.join(", ")}, not ${wanted.join(", ")}`]),
    ...processes.flatMap(processFaults),
  ];
}

function processFaults(process: Process): string[] {
  const { where, variables, stopSeconds } = process;
  const unknown = Object.keys(variables).filter((name) => !variableNames.includes(name));
  return [
    ...unknown.map((name) => `${where}: the variable ${name} is not known`),
    ...(stopSeconds > DRAIN_SECONDS ? [] : [`${where}: has ${stopSeconds} s to stop, and needs ${DRAIN_SECONDS}`]),
    ...configFaults(process),
  ];
}

/** The engine itself says what it makes of its variables. */
function configFaults({ where, name, variables, port, probes }: Process): string[] {
  const filled = Object.entries(variables).map(([key, value]) => [
    key,
    FILLED[key] !== undefined && /\$\{/.test(value) ? FILLED[key] : value,
  ]);
  let config: Config;
  try {
    config = parseConfig(Object.fromEntries(filled));
  } catch (error) {
    return [`${where}: ${error instanceof Error ? error.message : String(error)}`];
  }
  const part = name.replace(/^ekiden-/, "");
  const own = part.startsWith("domain-") ? part.slice("domain-".length) : undefined;
  const roles = config.roles.domains === "all" ? ["domains"] : [...config.roles.domains];
  return [
    ...(config.roles.api ? [] : [`${where}: has no role api, and so nobody who answers its probes`]),
    ...(config.roles.dispatcher === (part === "dispatcher") ? [] : [`${where}: the role dispatcher is misplaced`]),
    ...(roles.join() === (own ?? "") ? [] : [`${where}: runs the domains ${roles.join(", ") || "none"}`]),
    ...(own === undefined || existsSync(join(root, "domains", own, "domain.ts")) ? [] : [`${where}: no domain ${own}`]),
    ...(config.production ? [] : [`${where}: EKIDEN_ENV is not production`]),
    ...(port === undefined || port === config.port
      ? []
      : [`${where}: opens port ${port}, and listens on ${config.port}`]),
    ...(port === undefined || !isLoopback(config.host) ? [] : [`${where}: listens where nobody reaches it`]),
    ...probes
      .filter((probe) => probe.port !== config.port || probe.path !== `/health/${probe.kind}`)
      .map((probe) => `${where}: asks :${probe.port}${probe.path} whether it is ${probe.kind}`),
  ];
}

function serviceFaults(manifests: readonly SourceFile[], processes: readonly Process[]): string[] {
  return documentsOf(manifests)
    .flatMap(({ document }) => {
      const found = v.safeParse(Service, document);
      return found.success ? [found.output.spec] : [];
    })
    .filter(
      ({ selector, ports }) =>
        !processes.some(({ name, port }) => name === `ekiden-${selector.part}` && port === ports[0].targetPort),
    )
    .map(({ selector }) => `deploy/kubernetes: the service's port is none of ${selector.part}`);
}

/** What MSK Connect refuses in a worker's configuration, by its documentation. */
const REFUSED =
  /^(?:access\.control\.|admin\.|client\.|connect\.|inter\.worker\.|internal\.|listeners|metrics?\.|plugin\.|rest\.|sasl\.|security\.|socket\.|ssl\.|topic\.tracking\.|worker\.|bootstrap\.servers|config\.storage\.|connections\.max\.idle\.ms|connector\.client\.config\.override\.policy|group\.id|receive\.buffer\.bytes|response\.http\.headers\.config|scheduled\.rebalance\.max\.delay\.ms|send\.buffer\.bytes|status\.storage\.)/;

/** Where the configuration of MSK Connect's worker differs from the stack's, or holds what is refused there. */
export function workerFaults(properties: string, stack: Readonly<Record<string, string | number>>): string[] {
  const lines = properties.split("\n").filter((line) => line.trim() !== "");
  return lines.flatMap((line) => {
    const [name = "", value = ""] = line.split(/=(.*)/s);
    return [
      ...(REFUSED.test(name) ? [`worker.properties: MSK Connect refuses ${name}`] : []),
      ...(String(stack[name]) === value ? [] : [`worker.properties: ${name} is ${value}, not ${stack[name]}`]),
    ];
  });
}
