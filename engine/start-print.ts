import { existsSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import type { Config } from "./config.ts";
import type { RunningEngine } from "./main.ts";

/** Says what runs where, and how to start a first saga. */
export function announce(config: Config, engine: RunningEngine, tookMs: number): void {
  const lines = [
    `Ekiden is ready after ${(tookMs / 1000).toFixed(1)} s`,
    `  API         ${engine.url === null ? "not in this process" : `${engine.url}  (reference: ${engine.url}/docs)`}`,
    `  PostgreSQL  ${config.databaseUrl === undefined ? embedded(config) : address(config.databaseUrl)}`,
    `  transport   ${config.kafka === undefined ? "embedded" : `Kafka at ${config.kafka.brokers.join(", ")}`}`,
    `  roles       ${roles(config)}`,
    ...example(config, engine.url),
  ];
  console.log(lines.join("\n"));
}

function embedded(config: Config): string {
  const home = relative(process.cwd(), config.home) || ".";
  return `embedded, in ${home}  (psql "$(cat ${join(home, "database.url")})")`;
}

/** Without user and password. */
function address(databaseUrl: string): string {
  const { host, pathname } = new URL(databaseUrl);
  return `${host}${pathname}`;
}

function roles(config: Config): string {
  const { api, dispatcher, domains } = config.roles;
  const names = domains === "all" ? ["domains"] : [...domains].map((name) => `domain:${name}`);
  return [...(api ? ["api"] : []), ...(dispatcher ? ["dispatcher"] : []), ...names].join(", ");
}

/** An example input lies beside its definition: `<definition>.example.json`. */
function example(config: Config, url: string | null): string[] {
  if (url === null || !existsSync(config.domains)) return [];
  const file = readdirSync(config.domains).find((name) => name.endsWith(".example.json"));
  if (file === undefined) return [];
  const definition = file.slice(0, -".example.json".length);
  const path = relative(process.cwd(), join(config.domains, file));
  return [
    "Start a saga and wait for its end:",
    `  curl -s '${url}/v1/sagas/${definition}?wait=10s' -H 'content-type: application/json' -d @${path}`,
  ];
}
