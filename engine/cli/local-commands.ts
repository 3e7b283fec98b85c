import type { Command } from "commander";

import { type Config, parseConfig } from "../config.ts";
import { loadDomains } from "../participant/load-domains.ts";
import { connect, reachDatabase } from "../timeline/database.ts";
import { ENGINE_MIGRATIONS, isCompiled } from "../timeline/engine-migrations.ts";
import { migrateAt } from "../timeline/migrate.ts";
import { CliError, EXIT } from "./cli-error.ts";
import { withDatabase } from "./with-database.ts";
import { say, writeError } from "./write-line.ts";

/** Commands that need no engine: the stack, the migrations. */
export function addLocalCommands(program: Command): void {
  program
    .command("stack")
    .description("start PostgreSQL, Kafka and Kafka Connect with Debezium on this machine (bun run stack)")
    .action(async () => {
      // Maven reads the pom.xml that lies beside the source.
      if (isCompiled) throw new CliError(EXIT.usage, "The stack is started from the project's folder: bun run stack.");
      await import("../stack/main.ts");
    });
  program
    .command("migrate")
    .description("apply the migrations of the engine and the domains to DATABASE_URL, or to the embedded PostgreSQL")
    .action(async () => {
      const applied = await migrateDatabase(parseConfig(process.env));
      say(applied === 0 ? "Nothing to apply." : `${applied} migration${applied === 1 ? "" : "s"} applied.`);
    });
}

async function migrateDatabase(config: Config): Promise<number> {
  const domains = await loadDomains(config.domains);
  const sets = [
    ENGINE_MIGRATIONS,
    ...domains.map(({ domain, sqlFolder }) => ({ schema: domain.name, folder: sqlFolder })),
  ];
  return withDatabase(config, "ekiden migrate", async (url) => {
    const sql = connect(url, { max: 1, name: "migrate" });
    try {
      await reachDatabase(sql, url);
    } finally {
      await sql.end({ timeout: 5 });
    }
    return migrateAt(url, sets, (line) => writeError(line));
  });
}
