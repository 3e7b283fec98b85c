import type { Command } from "commander";

import { type Config, ConfigError, parseConfig } from "../config.ts";
import { definitionFiles } from "../definition/folder.ts";
import { loadDomains } from "../participant/load-domains.ts";
import { databaseUrl, readDatabaseUrl } from "../stack/database-url.ts";
import { examineDatabase } from "../recovery/doctor/examine-database.ts";
import { checked, fault, type Finding } from "../recovery/doctor/finding.ts";
import { connect, reachDatabase, type Sql } from "../timeline/database.ts";
import { ENGINE_MIGRATIONS } from "../timeline/engine-migrations.ts";
import type { MigrationSet } from "../timeline/migrate.ts";
import { Names } from "../transport/kafka/names.ts";
import { EXIT } from "./cli-error.ts";
import { configurationChecks } from "./doctor/configuration-checks.ts";
import { engineChecks } from "./doctor/engine-checks.ts";
import { kafkaChecks } from "./doctor/kafka-checks.ts";
import { localChecks } from "./doctor/local-checks.ts";
import { tellMistypedElsewhere } from "./mistyped-variables.ts";
import { type OutputOptions, withJson } from "./output.ts";
import { table, time } from "./table.ts";
import { say } from "./write-line.ts";

const NOTES = `
Looks at configuration, definitions, PostgreSQL, Kafka, Kafka Connect, slot, heartbeat, groups, sagas and messages, and says what
to do about what is not well. Changes nothing. Needs no engine; one that runs at EKIDEN_URL is asked too, for each of its parts.
The engine makes the same checks from inside (GET /v1/doctor, the console's page Pipeline) with its own environment and the
definitions that it has loaded; java, where the stack was started, is checked here alone.
Exit codes: 0 nothing is red; 1 something is.`;

const STATEMENT_MS = 10_000;

/** `ekiden doctor`: what is red, since when, what to do. */
export function addDoctorCommand(program: Command): void {
  withJson(program.command("doctor"))
    .description("say what is not well, since when, and what to do about it")
    .addHelpText("after", NOTES)
    .action(async ({ json }: OutputOptions) => {
      tellMistypedElsewhere();
      const findings = await examine();
      const healthy = findings.every(({ level }) => level !== "red");
      say(json === true ? JSON.stringify({ healthy, findings }, null, 2) : doctorText(findings));
      if (!healthy) process.exitCode = EXIT.refused;
    });
}

async function examine(): Promise<readonly Finding[]> {
  let config: Config;
  try {
    config = parseConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return [fault("red", "configuration", error.message, error.hint)];
  }
  const [engine, local] = await Promise.all([engineChecks(), localChecks(config)]);
  const found = [...configurationChecks(config), ...local, ...(await outside(config, engine.runs))];
  return [...found, ...engine.findings(found)];
}

/** The database, and Kafka behind it. */
async function outside(config: Config, runs: boolean): Promise<readonly Finding[]> {
  const url = await addressOf(config);
  const kafka = async (sql: Sql | null) =>
    config.kafka === undefined ? [] : kafkaChecks(config.kafka, config.prefix, sql);
  if (url === null) {
    const detail = `the embedded PostgreSQL in ${config.home} has not been started yet`;
    return [fault("warn", "postgresql", detail, "bun run engine")];
  }
  const sql = connect(url, { max: 2, name: "doctor", statementTimeoutMs: STATEMENT_MS });
  try {
    const reached = await checked("postgresql", "Start PostgreSQL.", async () => {
      await reachDatabase(sql, url);
      return [];
    });
    if (reached.length > 0) return [...asEmbedded(config, runs, reached), ...(await kafka(null))];
    return await examineDatabase(sql, {
      slot: config.kafka === undefined ? null : new Names(config.prefix).slot,
      url,
      ownServer: config.databaseUrl === undefined,
      sets: () => setsOf(config),
      files: () => filesOf(config.domains),
      runs,
      behind: kafka,
    });
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** None where the folder cannot be read, which a check of its own says. */
function filesOf(folder: string): ReadonlyMap<string, string> {
  try {
    return definitionFiles(folder);
  } catch {
    return new Map();
  }
}

/** An embedded PostgreSQL runs with its engine: without one it is not expected to answer. */
function asEmbedded(config: Config, runs: boolean, found: readonly Finding[]): readonly Finding[] {
  if (config.databaseUrl !== undefined || runs) return found;
  return [fault("warn", "postgresql", `the embedded PostgreSQL in ${config.home} is not running`, "bun run engine")];
}

async function addressOf({ databaseUrl: url, home }: Config): Promise<string | null> {
  if (url !== undefined) return url;
  const address = await readDatabaseUrl(home);
  return address === undefined ? null : databaseUrl(address);
}

async function setsOf({ domains }: Config): Promise<readonly MigrationSet[]> {
  // One that does not load is red in the line of the definitions.
  const loaded = await loadDomains(domains).catch(() => []);
  return [ENGINE_MIGRATIONS, ...loaded.map(({ domain, sqlFolder }) => ({ schema: domain.name, folder: sqlFolder }))];
}

function doctorText(findings: readonly Finding[]): string {
  const rows = findings.map(({ level, check, detail, since }) => [
    level,
    check,
    detail + (since === null ? "" : ` (since ${time(since)})`),
  ]);
  const todo = findings.filter(({ fix }) => fix !== null).map(({ level, check, fix }) => `${level} ${check}: ${fix}`);
  const red = findings.filter(({ level }) => level === "red").length;
  const warned = findings.filter(({ level }) => level === "warn").length;
  const sum =
    red + warned === 0 ? "Nothing is wrong." : `${red} red, ${warned} to look at. What to do:\n${todo.join("\n")}`;
  return `${table(["", "CHECK", "FOUND"], rows, "")}\n\n${sum}`;
}
