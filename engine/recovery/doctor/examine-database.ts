import type { Sql } from "../../timeline/database.ts";
import type { MigrationSet } from "../../timeline/migrate.ts";
import { contentChecks, heartbeatChecks } from "./content-checks.ts";
import { migrationChecks, partitionChecks, serverChecks, transactionChecks } from "./database-checks.ts";
import { checked, type Finding } from "./finding.ts";
import { lockChecks } from "./lock-checks.ts";
import { timeoutChecks } from "./timeout-checks.ts";
import { vacuumChecks } from "./vacuum-checks.ts";

/** What of a database is looked at. */
export interface Examined {
  /** Of the connector on Kafka; null: embedded. */
  readonly slot: string | null;
  /** Its address, with the engine's login. */
  readonly url: string;
  /** The engine runs the server for itself alone. */
  readonly ownServer: boolean;
  /** Migrations that must have been applied. */
  readonly sets: () => Promise<readonly MigrationSet[]>;
  /** The files of definitions, by name. */
  readonly files: () => ReadonlyMap<string, string>;
  /** An engine is up, so that a heartbeat must come through. */
  readonly runs: boolean;
  /** What lies behind the database; null: its tables are not complete. */
  readonly behind: (sql: Sql | null) => Promise<readonly Finding[]>;
}

/** A database that answers, what is in it, and what lies behind it. Changes nothing. */
export async function examineDatabase(
  sql: Sql,
  { slot, url, ownServer, sets, files, runs, behind }: Examined,
): Promise<readonly Finding[]> {
  const migrations = await checked("migrations", "bun run ekiden migrate", async () =>
    migrationChecks(sql, await sets()),
  );
  const server = await checked("postgresql", "Is the login's role complete?", () =>
    serverChecks(sql, { slot, ownServer }),
  );
  const timeouts = await checked("timeouts", "Look into pg_db_role_setting.", () => timeoutChecks(sql, url));
  const writing = await checked("transactions", "Look into pg_stat_activity.", () => transactionChecks(sql));
  const locks = await checked("locks", "Look into pg_locks.", () => lockChecks(sql));
  const outside = [...server, ...timeouts, ...migrations, ...writing, ...locks];
  // Without the engine's tables there is nothing further to look at.
  if (migrations.some(({ level }) => level !== "ok")) return [...outside, ...(await behind(null))];
  const inside = await checked("timeline", "bun run ekiden migrate", async () => [
    ...(await partitionChecks(sql)),
    ...(await vacuumChecks(sql)),
    ...(await heartbeatChecks(sql, runs)),
    ...(await contentChecks(sql, files())),
  ]);
  return [...outside, ...(await behind(sql)), ...inside];
}
