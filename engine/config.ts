import { hostname } from "node:os";
import { resolve } from "node:path";
import * as v from "valibot";
import { EngineError } from "./core/error.ts";
import { issueText } from "./core/issue.ts";
import { type KafkaSecuritySettings, kafkaSecurityOf } from "./kafka-security.ts";
import { TOKEN_ALGORITHMS } from "./core/token-algorithms.ts";

/** Faults of the environment, all of them at once. */
export class ConfigError extends EngineError {
  readonly code = "config.invalid";
  readonly hint = "The variables are listed in README.md, section Configuration.";
}

const port = v.pipe(
  v.string(),
  v.regex(/^\d{1,5}$/, "must be a port, 0 to 65535"),
  v.transform(Number),
  v.maxValue(65_535, "must be a port, 0 to 65535"),
);
const count = (max: number) =>
  v.pipe(
    v.string(),
    v.regex(/^[1-9]\d{0,5}$/, "must be a whole number from 1"),
    v.transform(Number),
    v.maxValue(max, `must be at most ${max}`),
  );
const name = "[a-z][a-z0-9_]{0,47}";
const role = new RegExp(`^(api|dispatcher|domains|domain:${name})$`);

const Environment = v.object({
  DATABASE_URL: v.optional(v.pipe(v.string(), v.regex(/^postgres(ql)?:\/\//, "must begin with postgres://"))),
  KAFKA_BROKERS: v.optional(
    v.pipe(v.string(), v.regex(/^[^\s,]+:\d+(,[^\s,]+:\d+)*$/, "must be host:port, several with commas")),
  ),
  KAFKA_CONNECT_URL: v.optional(v.pipe(v.string(), v.regex(/^https?:\/\//, "must begin with http:// or https://"))),
  KAFKA_PARTITIONS: v.optional(count(1_000), "6"),
  KAFKA_REPLICATION: v.optional(count(10), "1"),
  KAFKA_TLS: v.optional(v.picklist(["on", "off"], "must be on or off")),
  KAFKA_TLS_CA: v.optional(v.string()),
  KAFKA_TLS_CERT: v.optional(v.string()),
  KAFKA_TLS_KEY: v.optional(v.string()),
  KAFKA_SASL_MECHANISM: v.optional(
    v.picklist(["plain", "scram-sha-256", "scram-sha-512"], "must be plain, scram-sha-256 or scram-sha-512"),
  ),
  KAFKA_SASL_USERNAME: v.optional(v.string()),
  KAFKA_SASL_PASSWORD: v.optional(v.string()),
  HOST: v.optional(v.pipe(v.string(), v.minLength(1)), "127.0.0.1"),
  PORT: v.optional(port, "8080"),
  EKIDEN_ROLES: v.optional(v.string(), "api,dispatcher,domains"),
  EKIDEN_HOME: v.optional(v.string(), ".ekiden"),
  EKIDEN_DOMAINS: v.optional(v.string(), "domains"),
  EKIDEN_PREFIX: v.optional(
    v.pipe(v.string(), v.regex(/^[A-Za-z0-9._-]{0,60}$/, "may hold letters, digits, . _ -")),
    "",
  ),
  EKIDEN_ENV: v.optional(v.picklist(["development", "production"], "must be development or production"), "development"),
  EKIDEN_PATIENCE: v.optional(count(86_400), "300"),
  EKIDEN_STATEMENT_TIMEOUT: v.optional(count(3_600), "60"),
  EKIDEN_HOSTS: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^[A-Za-z0-9.-]+(:\d{1,5})?(,[A-Za-z0-9.-]+(:\d{1,5})?)*$/, "must be host names, several with commas"),
    ),
  ),
  EKIDEN_RATE_LIMIT: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d{1,6}$/, "must be a whole number of requests a second, 0 for no limit"),
      v.transform(Number),
    ),
    "1000",
  ),
  EKIDEN_JWT_KEYS_URL: v.optional(
    v.pipe(
      v.string(),
      v.regex(
        /^(https:\/\/|http:\/\/(127\.0\.0\.1|localhost|\[::1\])[:/])/,
        "must begin with https:// (http:// for this machine only)",
      ),
    ),
  ),
  EKIDEN_JWT_ISSUER: v.optional(v.string()),
  EKIDEN_JWT_AUDIENCE: v.optional(v.string()),
  EKIDEN_JWT_ALGORITHMS: v.optional(
    v.pipe(
      v.string(),
      v.transform((text) => text.split(",")),
      v.array(v.picklist(TOKEN_ALGORITHMS, `must be some of ${TOKEN_ALGORITHMS.join(", ")}, with commas`)),
    ),
    "RS256",
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: v.optional(
    v.pipe(v.string(), v.regex(/^https?:\/\//, "must begin with http:// or https://")),
  ),
  EKIDEN_LOG: v.optional(v.picklist(["pretty", "json"], "must be pretty or json")),
});

/** The variables that the engine reads. */
export const variableNames: readonly string[] = Object.keys(Environment.entries);

/** What one process does. */
export interface Roles {
  readonly api: boolean;
  readonly dispatcher: boolean;
  /** `all`, or the domains named. */
  readonly domains: "all" | ReadonlySet<string>;
}

/** The whole configuration, parsed once. */
export interface Config {
  readonly databaseUrl: string | undefined;
  readonly kafka:
    | {
        readonly brokers: readonly string[];
        readonly connectUrl: string | null;
        readonly partitions: number;
        readonly replication: number;
        readonly security: KafkaSecuritySettings;
      }
    | undefined;
  readonly host: string;
  readonly port: number;
  /** `--insecure`: others may reach the API, and nobody has to say who calls. */
  readonly insecure: boolean;
  readonly roles: Roles;
  /** Absolute paths. */
  readonly home: string;
  readonly domains: string;
  readonly prefix: string;
  readonly production: boolean;
  /** How long a lost consumer is rebuilt before the process ends. */
  readonly patienceMs: number;
  /** Longest statement of the engine's own. */
  readonly statementTimeoutMs: number;
  /** Names under which the API is called besides its address. */
  readonly hosts: readonly string[];
  /** Requests a second of each caller that a key or a token names; 0: no limit. */
  readonly ratePerSecond: number;
  /** Whose JSON Web Tokens are taken; undefined: nobody's. */
  readonly tokens:
    | {
        readonly keysUrl: string;
        readonly issuer: string;
        readonly audience: string;
        readonly algorithms: readonly (typeof TOKEN_ALGORITHMS)[number][];
      }
    | undefined;
  /** OpenTelemetry collector that takes traces; undefined: none are sent. */
  readonly tracesEndpoint: string | undefined;
  readonly log: "pretty" | "json";
  /** Host and pid: who consumes. */
  readonly consumer: string;
}

/** Parses the environment, and the arguments of the engine. An empty variable counts as unset. @throws ConfigError naming every fault. */
export function parseConfig(
  environment: Readonly<Record<string, string | undefined>>,
  args: readonly string[] = [],
): Config {
  const set = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ""),
  );
  const parsed = v.safeParse(Environment, set);
  const faults = parsed.success ? [] : parsed.issues.map((issue) => `${v.getDotPath(issue)} ${issueText(issue)}`);
  const roles = (set["EKIDEN_ROLES"] ?? "api,dispatcher,domains").split(",").map((text) => text.trim());
  for (const wrong of roles.filter((text) => !role.test(text))) {
    faults.push(`EKIDEN_ROLES has "${wrong}"; known: api, dispatcher, domains, domain:<name>`);
  }
  if (set["KAFKA_CONNECT_URL"] !== undefined && set["KAFKA_BROKERS"] === undefined)
    faults.push("KAFKA_CONNECT_URL is set, KAFKA_BROKERS is not");
  faults.push(...tokenFaults(set));
  const split =
    roles.includes("dispatcher") !== roles.includes("domains") || roles.some((text) => text.startsWith("domain:"));
  if (set["KAFKA_BROKERS"] === undefined && split) {
    faults.push(
      "EKIDEN_ROLES splits dispatcher and domains, which needs Kafka: without KAFKA_BROKERS one process runs them all (a further one may run api alone)",
    );
  }
  const security = parsed.success ? kafkaSecurityOf(parsed.output, faults) : {};
  if (!parsed.success || faults.length > 0) throw new ConfigError(faults.join("; "));
  return { ...toConfig(parsed.output, roles, security), insecure: args.includes("--insecure") };
}

function toConfig(
  env: v.InferOutput<typeof Environment>,
  roles: readonly string[],
  security: KafkaSecuritySettings,
): Omit<Config, "insecure"> {
  const named = roles.filter((text) => text.startsWith("domain:")).map((text) => text.slice("domain:".length));
  return {
    databaseUrl: env.DATABASE_URL,
    kafka:
      env.KAFKA_BROKERS === undefined
        ? undefined
        : {
            brokers: env.KAFKA_BROKERS.split(","),
            connectUrl: env.KAFKA_CONNECT_URL ?? null,
            partitions: env.KAFKA_PARTITIONS,
            replication: env.KAFKA_REPLICATION,
            security,
          },
    host: env.HOST,
    port: env.PORT,
    roles: {
      api: roles.includes("api"),
      dispatcher: roles.includes("dispatcher"),
      domains: roles.includes("domains") ? "all" : new Set(named),
    },
    home: resolve(env.EKIDEN_HOME),
    domains: resolve(env.EKIDEN_DOMAINS),
    prefix: env.EKIDEN_PREFIX,
    production: env.EKIDEN_ENV === "production",
    patienceMs: env.EKIDEN_PATIENCE * 1_000,
    statementTimeoutMs: env.EKIDEN_STATEMENT_TIMEOUT * 1_000,
    hosts: env.EKIDEN_HOSTS?.split(",") ?? [],
    ratePerSecond: env.EKIDEN_RATE_LIMIT,
    tokens: tokensOf(env),
    tracesEndpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
    log: env.EKIDEN_LOG ?? (process.stdout.isTTY ? "pretty" : "json"),
    consumer: `${hostname()}/${process.pid}`,
  };
}

const TOKEN_NAMES = ["EKIDEN_JWT_KEYS_URL", "EKIDEN_JWT_ISSUER", "EKIDEN_JWT_AUDIENCE"] as const;

/** A token of an issuer or for an audience that nobody named would be taken from anybody. */
function tokenFaults(set: Readonly<Record<string, string | undefined>>): string[] {
  const missing = TOKEN_NAMES.filter((name) => set[name] === undefined);
  const some = TOKEN_NAMES.some((name) => set[name] !== undefined);
  return some && missing.length > 0 ? [`${missing.join(", ")} must be set too: tokens need all of them`] : [];
}

function tokensOf(env: v.InferOutput<typeof Environment>): Config["tokens"] {
  const { EKIDEN_JWT_KEYS_URL: keysUrl, EKIDEN_JWT_ISSUER: issuer, EKIDEN_JWT_AUDIENCE: audience } = env;
  if (keysUrl === undefined || issuer === undefined || audience === undefined) return undefined;
  return { keysUrl, issuer, audience, algorithms: env.EKIDEN_JWT_ALGORITHMS };
}

/** True for addresses that only this machine can reach. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}
