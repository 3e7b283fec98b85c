import type { Command } from "commander";

import { parseConfig } from "../config.ts";
import { loadDomains } from "../participant/load-domains.ts";
import { connect, reachDatabase, type Sql } from "../timeline/database.ts";
import { changePassword, domainUrl } from "../timeline/domain-role.ts";
import { CliError, EXIT } from "./cli-error.ts";
import { say } from "./write-line.ts";

interface LoginOptions {
  readonly newPassword?: boolean;
}

/** The address with which a program outside the engine takes part as a domain. */
export function addLoginCommand(program: Command): void {
  program
    .command("login")
    .argument("<domain>", "a domain whose steps another program runs")
    .description("print the database address of a domain's own role, for a participant outside the engine")
    .option("--new-password", "change the role's password first: the old address is of no more use")
    .action(async (domain: string, options: LoginOptions) => say(await login(domain, options)));
}

async function login(domain: string, options: LoginOptions): Promise<string> {
  const { databaseUrl, domains } = parseConfig(process.env);
  if (databaseUrl === undefined) {
    throw new CliError(
      EXIT.usage,
      "Set DATABASE_URL: a participant outside the engine needs a PostgreSQL of its own standing.",
    );
  }
  const known = (await loadDomains(domains)).map((loaded) => loaded.domain.name);
  if (!known.includes(domain))
    throw new CliError(EXIT.usage, `There is no domain "${domain}". Known: ${known.join(", ")}.`);
  const sql = connect(databaseUrl, { max: 1, name: "login" });
  try {
    await reachDatabase(sql, databaseUrl);
    await refuseUnmigrated(sql, domain);
    if (options.newPassword === true) await changePassword(sql, domain);
    return await domainUrl(sql, databaseUrl, domain);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function refuseUnmigrated(sql: Sql, domain: string): Promise<void> {
  const [row] = await sql<{ ready: boolean }[]>`
    select to_regclass('timeline.domain_login') is not null and to_regnamespace(${domain}) is not null as ready
  `;
  if (row?.ready !== true) {
    throw new CliError(EXIT.refused, `The database has no schema ${domain} yet: run \`bun run ekiden migrate\` first.`);
  }
}
