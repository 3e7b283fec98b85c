import { userInfo } from "node:os";

import type { Command } from "commander";

import { Closing } from "../closing.ts";
import { type Config, parseConfig } from "../config.ts";
import { groupTopics, type PublishedDomain } from "../core/published-domain.ts";
import { openTransport } from "../open-transport.ts";
import { Pools } from "../pools.ts";
import { type RecoverParts, type RecoverReport, previewRecovery, recover } from "../recovery/recover.ts";
import { askRepublish, carryOnRepublish, previewRepublish } from "../recovery/republish.ts";
import type { Log } from "../sdk.ts";
import { reachDatabase, type Sql } from "../timeline/database.ts";
import { ENGINE_MIGRATIONS } from "../timeline/engine-migrations.ts";
import { migrateAt } from "../timeline/migrate.ts";
import { CliError, EXIT } from "./cli-error.ts";
import { type OutputOptions, withJson } from "./output.ts";
import { facts, table } from "./table.ts";
import { withDatabase } from "./with-database.ts";
import { say, writeError } from "./write-line.ts";

interface RecoverOptions extends OutputOptions {
  readonly preview?: boolean;
  readonly reason?: string;
}

const MISSING = { missingOnly: true } as const;
/** What goes wrong here is said by the command itself. */
const SILENT: Log = { info: () => {}, warn: () => {}, error: () => {} };

/** `recover`: needs no running engine, and leaves one that runs in peace. */
export function addRecoverCommand(program: Command): void {
  withJson(program.command("recover"))
    .description("after PostgreSQL was restored or Kafka was lost: make them one history again (needs no engine)")
    .option("--preview", "say what would be done and change nothing")
    .option("--reason <text>", "why; it stands in the audit; needed without --preview")
    .action(async ({ preview = false, reason, json = false }: RecoverOptions) => {
      if (!preview && (reason === undefined || reason.trim() === "")) {
        const message = "recover changes Kafka and resumes groups: say why with --reason, or look first with --preview";
        throw new CliError(EXIT.usage, message);
      }
      const startedAt = performance.now();
      const report = await withParts(parseConfig(process.env), json, (parts) =>
        preview ? previewRecovery(parts) : recover(parts, reason ?? "", { actor: userInfo().username }),
      );
      const tookMs = Math.round(performance.now() - startedAt);
      say(json ? JSON.stringify({ preview, ...report, tookMs }, null, 2) : recoverText(report, preview, tookMs));
    });
}

async function withParts<T>(config: Config, quiet: boolean, work: (parts: RecoverParts) => Promise<T>): Promise<T> {
  return withDatabase(config, "ekiden recover", async (databaseUrl) => {
    const closing = new Closing();
    try {
      const pools = new Pools(closing, config.statementTimeoutMs);
      const sql = pools.open(databaseUrl, "recover", 3);
      await reachDatabase(sql, databaseUrl);
      // It may have been restored to before the engine's last update.
      await migrateAt(databaseUrl, [ENGINE_MIGRATIONS], (line) => writeError(line));
      const fatal = () => {};
      const { transport } = await openTransport(
        config,
        { sql, databaseUrl, pools, log: SILENT, closing, prepared: "untouched" },
        fatal,
      );
      const groups = await groupsOf(sql);
      const step = quiet ? () => {} : (what: string) => writeError(`… ${what}`);
      return await work({ sql, transport, groups, missing: missingIn(sql), step });
    } finally {
      await closing.run();
    }
  });
}

/** Those of domains, and those that start sagas by messages, whose topics no domain consumes. */
async function groupsOf(sql: Sql): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = await sql<{ domain: string; catalog: Omit<PublishedDomain, "name"> }[]>`
    select domain, catalog from timeline.domain_catalog order by domain
  `;
  const groups = groupTopics(rows.map(({ domain, catalog }) => ({ name: domain, ...catalog })));
  const own = new Set([...groups.values()].flat());
  const topics = await sql<{ name: string }[]>`select name from timeline.topic order by name`;
  const outside = topics.map(({ name }) => name).filter((name) => !own.has(name));
  const starts = await sql<{ consumer_group: string }[]>`
    select consumer_group from timeline.consumer_group where consumer_group like 'start.%'
  `;
  return new Map([...groups, ...starts.map((row) => [row.consumer_group, outside] as const)]);
}

function missingIn(sql: Sql): RecoverParts["missing"] {
  return {
    count: async () => {
      const { sent, state } = await previewRepublish(sql, MISSING);
      return { messages: sent, complete: state === "counted" };
    },
    send: async (reason, by) => {
      const id = await askRepublish(sql, MISSING, `recover: ${reason}`, by);
      return (await carryOnRepublish(sql, id, () => true)).sent;
    },
  };
}

function recoverText(
  { need, missing, future, futureComplete, moves, held }: RecoverReport,
  preview: boolean,
  tookMs: number,
): string {
  if (need === null) return "Nothing needs to be recovered: this database and its transport are of one history.";
  const would = preview ? "would be " : "";
  const unknown = future.reduce((sum, { messages }) => sum + messages, 0);
  const lines = facts([
    ["what happened", need.detail],
    [`${would}sent again`, `${missing.complete ? "" : "at least "}${missing.messages} requests that were not consumed`],
    [
      "not executed",
      `${futureComplete ? "" : "at least "}${unknown} messages that the database does not know${future.map(({ topic, messages }) => `; ${topic}: ${messages}`).join("")}`,
    ],
    [`${would}resumed`, held.join(", ")],
  ]);
  const rows = moves.map((one) => [one.group, one.topic, String(one.partition), String(one.from), String(one.offset)]);
  const moved = table(["GROUP", "TOPIC", "PARTITION", "FROM", "TO"], rows, "No committed offset goes back.");
  const end = preview ? "Nothing was changed." : `Recovered in ${(tookMs / 1_000).toFixed(1)} s.`;
  return `${lines}\n\n${moved}\n\n${end}`;
}
