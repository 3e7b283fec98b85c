import type { Command } from "commander";

import { parseConfig } from "../config.ts";
import { EngineError } from "../core/error.ts";
import { connectorUrl } from "../timeline/connector-role.ts";
import { connect, reachDatabase, type Sql } from "../timeline/database.ts";
import { connectorConfig } from "../transport/kafka/connector.ts";
import { Names, PUBLICATION } from "../transport/kafka/names.ts";
import { CliError, EXIT } from "./cli-error.ts";
import { say, writeError } from "./write-line.ts";

/** Replaced by whoever registers the connector; Kafka Connect can fill it from a secret store. */
const PASSWORD = "<password of the database user>";
const NOWHERE = "postgres://user@database-host:5432/database";

interface ConnectorOptions {
  readonly withPassword?: boolean;
}

/** What a Kafka Connect that the engine does not manage is given. */
export function addConnectorCommand(program: Command): void {
  program
    .command("connector")
    .description("print the connector's configuration, for a Kafka Connect that the engine does not manage")
    .option("--with-password", "print the password of the connector's login too, which the engine has made")
    .action(async (options: ConnectorOptions) =>
      say(JSON.stringify(await configuration(options.withPassword === true), null, 2)),
    );
}

async function configuration(withPassword: boolean): Promise<Record<string, string>> {
  const { databaseUrl, prefix } = parseConfig(process.env);
  if (databaseUrl === undefined && withPassword)
    throw new CliError(EXIT.usage, "Set DATABASE_URL: the password stands in the database.");
  const names = new Names(prefix);
  const settings = connectorConfig({
    prefix,
    databaseUrl: databaseUrl === undefined ? NOWHERE : await urlOf(databaseUrl, withPassword),
    slot: names.slot,
    publication: PUBLICATION,
    connectorName: names.connector,
  });
  return withPassword ? settings : { ...settings, "database.password": PASSWORD };
}

/** Without the password a database that cannot be asked stands in nobody's way: it is said which user is named instead. */
async function urlOf(databaseUrl: string, withPassword: boolean): Promise<string> {
  try {
    return await loginOf(databaseUrl);
  } catch (error) {
    if (withPassword || !(error instanceof EngineError)) throw error;
    writeError(`${error.message}: the user of DATABASE_URL is named below, not the connector's own login.`);
    return databaseUrl;
  }
}

/** The connector's own login, made when it is missing, as an engine would; the engine's where it may make none. */
async function loginOf(databaseUrl: string): Promise<string> {
  const sql = connect(databaseUrl, { max: 1, name: "connector" });
  try {
    await reachDatabase(sql, databaseUrl);
    await refuseUnmigrated(sql);
    return (await connectorUrl(sql, databaseUrl)) ?? databaseUrl;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function refuseUnmigrated(sql: Sql): Promise<void> {
  const [row] = await sql<{ ready: boolean }[]>`select to_regclass('timeline.connector_login') is not null as ready`;
  if (row?.ready !== true)
    throw new CliError(
      EXIT.refused,
      "The database has no login for the connector yet: run `bun run ekiden migrate` first.",
    );
}
