import { dirname, normalize } from "node:path";

import { importsOf } from "./imports.ts";

/** A source file of the project; `path` from the root. */
export interface SourceFile {
  readonly path: string;
  readonly source: string;
}

/**
 * Room → what of the project it may import, besides itself: a room, or one file of another room. Everything points at
 * `core`; `timeline` is the shared event store; rooms that touch the outside meet only through `transport/port.ts`.
 */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  definition: ["core", "engine/sdk.ts"],
  simulate: ["core", "definition"],
  graph: ["core"],
  scenario: ["core", "definition", "simulate"],
  timeline: ["core", "engine/transport/port.ts", "engine/failpoint.ts"],
  transport: ["core"],
  "transport/kafka": ["core", "transport", "engine/failpoint.ts"],
  "transport/embedded": ["core", "transport", "timeline", "engine/failpoint.ts", "engine/pause.ts"],
  dispatcher: [
    "core",
    "definition",
    "timeline",
    "engine/transport/port.ts",
    "engine/transport/foreign.ts",
    "engine/sdk.ts",
    "engine/failpoint.ts",
    "engine/pause.ts",
  ],
  access: ["core", "timeline", "engine/recovery/operator.ts"],
  participant: [
    "core",
    "timeline",
    "engine/definition/render-diagnostic.ts",
    "engine/definition/suggest.ts",
    "engine/transport/port.ts",
    "engine/transport/foreign.ts",
    "engine/sdk.ts",
    "engine/failpoint.ts",
    "engine/hold-ups.ts",
  ],
  recovery: ["core", "timeline", "engine/transport/port.ts", "engine/sdk.ts", "engine/failpoint.ts", "engine/pause.ts"],
  api: [
    "core",
    "definition",
    "graph",
    "simulate",
    "timeline",
    "engine/transport/port.ts",
    "engine/sdk.ts",
    "package.json",
  ],
  telemetry: ["core", "timeline", "engine/sdk.ts"],
  // A client of the API: of the engine it knows the shapes of its answers, as types.
  console: [],
  stack: ["core", "engine/end-signals.ts"],
};

/** Files directly in `engine/`. */
const ROOT_FILES: Readonly<Record<string, readonly string[]>> = {
  "engine/boot.ts": [],
  "engine/sdk.ts": [],
  "engine/closing.ts": [],
  "engine/end-signals.ts": [],
  "engine/failpoint.ts": [],
  "engine/pause.ts": [],
  "engine/hold-ups.ts": ["engine/pause.ts", "engine/sdk.ts", "engine/transport/port.ts"],
  "engine/pools.ts": ["core", "timeline", "engine/closing.ts"],
  "engine/config.ts": ["core", "engine/kafka-security.ts"],
  "engine/kafka-security.ts": [],
  "engine/health.ts": ["core", "timeline", "engine/api/port.ts", "engine/transport/port.ts"],
  "engine/settled.ts": ["core", "timeline", "engine/dispatcher/saga-changes.ts"],
  "engine/unknown-variables.ts": ["engine/config.ts", "engine/definition/suggest.ts"],
  "engine/start-print.ts": ["engine/config.ts", "engine/main.ts"],
};

/** Files that know every part: the composition root, which is spread over the roles, and the command line. */
const KNOWS_ALL = /^engine\/(?:main\.ts|binary\.ts|open-transport\.ts|roles\/|cli\.ts|cli\/)/;

/** The folder of a domain: beside the shipped definitions, or those of an example. */
const DOMAIN = /^(?:domains|examples\/[^/]+)\/[^/]+\//;

/** Package → the only places that import it. Packages that are not here are free for the engine, but not for `core`. */
const PACKAGES: Readonly<Record<string, RegExp>> = {
  "@marcbachmann/cel-js": /^engine\/definition\/expression[a-z-]*\.ts$/,
  yaml: /^engine\/(?:definition|scenario)\//,
  croner: /^engine\/definition\/cron\.ts$/,
  kafkajs: /^engine\/(?:transport\/kafka|stack)\//,
  hono: /^engine\/api\//,
  "hono-openapi": /^engine\/api\//,
  preact: /^engine\/console\/src\//,
  commander: /^engine\/cli(?:\.ts|\/)/,
  ulid: /^engine\/timeline\//,
  postgres: /^engine\/(?:timeline|stack|transport\/kafka|sdk\.ts$)/,
  ekiden: /^(?:domains|examples\/[^/]+)\//,
};

/** Files that import what a person configures: the path is known only at run time. */
const COMPUTED = ["engine/boot.ts", "engine/participant/load-domains.ts"];

/** Everything that a file imports and may not, as `path:line: sentence`. */
export function violationsOf({ path, source }: SourceFile): string[] {
  return importsOf(source).flatMap(({ specifier, line }) => {
    const fault = faultOf(path, specifier);
    return fault === undefined ? [] : [`${path}:${line}: ${fault}`];
  });
}

function faultOf(path: string, specifier: string | null): string | undefined {
  if (specifier === null) return COMPUTED.includes(path) ? undefined : "imports a path that is computed at run time";
  if (specifier.startsWith(".")) return projectFault(path, normalize(`${dirname(path)}/${specifier}`));
  if (specifier.startsWith("/") || specifier.startsWith("file:")) return `imports the absolute path ${specifier}`;
  return packageFault(path, specifier);
}

/** What the console's pages may take: the API's schemas, for their types. */
const SHAPES = /^engine\/api\/[a-z-]+-schema\.ts$/;

function projectFault(path: string, target: string): string | undefined {
  if (path === "engine/console/src/data/shapes.ts" && SHAPES.test(target)) return undefined;
  if (KNOWS_ALL.test(path)) return DOMAIN.test(target) ? `imports the domain file ${target}` : undefined;
  const [own] = DOMAIN.exec(path) ?? [];
  if (own !== undefined) {
    return target.startsWith(own) ? undefined : `a domain imports itself, ekiden and packages, not ${target}`;
  }
  const room = roomOf(path);
  const allowed = room === undefined ? ROOT_FILES[path] : ROOMS[room];
  if (allowed === undefined) return `stands in no room that tests/architecture/import-rules.ts knows`;
  const targetRoom = roomOf(target);
  if (targetRoom !== undefined && (targetRoom === room || allowed.includes(targetRoom))) return undefined;
  return allowed.includes(target) ? undefined : `${room ?? path} may not import ${target}`;
}

function packageFault(path: string, specifier: string): string | undefined {
  if (path.startsWith("engine/core/")) return `core imports nothing outside core, not ${specifier}`;
  const name = specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
  // A domain may use packages: which ones is its own affair.
  if (DOMAIN.test(path)) return undefined;
  const only = PACKAGES[name];
  return only === undefined || only.test(path) ? undefined : `${name} is imported only by ${only.source}`;
}

/** `transport/kafka` for its files, else the folder under `engine/`; undefined for everything else. */
function roomOf(path: string): string | undefined {
  const [, room] = /^engine\/(transport\/(?:kafka|embedded)|[a-z]+)\//.exec(path) ?? [];
  return room;
}
