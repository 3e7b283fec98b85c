import { userInfo } from "node:os";
import type { Command } from "commander";
import * as v from "valibot";

import { createKey, revokeKey } from "../access/keys.ts";
import { ApiKey, CreatedKey, KeyList, KeyRequest } from "../api/key-schema.ts";
import { viewKey } from "../api/key-view.ts";
import { parseConfig } from "../config.ts";
import { issueText } from "../core/issue.ts";
import { durationMs } from "../definition/duration.ts";
import { connect, reachDatabase, type Sql } from "../timeline/database.ts";
import { ENGINE_MIGRATIONS } from "../timeline/engine-migrations.ts";
import { migrateAt } from "../timeline/migrate.ts";
import { listKeys } from "../timeline/read-keys.ts";
import { CliError, EXIT } from "./cli-error.ts";
import { call } from "./client.ts";
import { type OutputOptions, print, withJson } from "./output.ts";
import { facts, table, time } from "./table.ts";
import { withDatabase } from "./with-database.ts";
import { writeError } from "./write-line.ts";

interface KeyOptions extends OutputOptions {
  /** Without an engine. */
  readonly database?: boolean;
}

interface ReasonOptions extends KeyOptions {
  readonly reason: string;
}

interface CreateOptions extends ReasonOptions {
  readonly role: string;
  readonly definitions?: string;
  readonly payloads?: boolean;
  readonly expires: string;
}

const DATABASE = [
  "--database",
  "work on DATABASE_URL itself: needs no engine and no key, for the first key of all or when no admin has one any more",
] as const;
const REASON = ["--reason <text>", "why; it stands in the audit"] as const;
const NOTES = `
The first key must be an admin's. From then on every call of the API must show a key; the engine need not be restarted.
Programs and this command line send it as \`Authorization: Bearer <key>\`; here it is taken from EKIDEN_API_KEY.`;

/** `keys`: who may call the API. */
export function addKeyCommands(program: Command): void {
  const keys = program.command("keys").description("make, list and revoke keys of the API").addHelpText("after", NOTES);
  withJson(keys.command("create").argument("<name>", "what the audit calls its holder, like ci-starter"))
    .description("make a key and print it, this once")
    .requiredOption("--role <role>", "viewer, starter, operator or admin; each may what those before it may")
    .option("--definitions <names>", "only for sagas of these definitions, with commas; without it for all")
    .option("--payloads", "it may read inputs, outputs and bodies; what is sensitive stays masked")
    .option("--expires <duration>", "after this time it is of no use, like 90d; or never", "365d")
    .option(...DATABASE)
    .requiredOption(...REASON)
    .action(async (name: string, options: CreateOptions) =>
      print(options, CreatedKey, await create(name, options), createdText),
    );
  withJson(keys.command("list"))
    .description("list the keys that were made, revoked and expired ones too")
    .option(...DATABASE)
    .action(async (options: KeyOptions) => print(options, KeyList, await list(options), listText));
  withJson(keys.command("revoke").argument("<name>", "the key's name"))
    .description("make a key useless, within a second everywhere")
    .option(...DATABASE)
    .requiredOption(...REASON)
    .action(async (name: string, options: ReasonOptions) =>
      print(
        options,
        ApiKey,
        await revoke(name, options),
        ({ revokedAt }) => `${name} is revoked since ${time(revokedAt)}.`,
      ),
    );
}

async function create(name: string, options: CreateOptions): Promise<unknown> {
  const { role, definitions, payloads = false, reason } = options;
  const asked = {
    name,
    role,
    definitions: definitions?.split(",").map((text) => text.trim()) ?? null,
    payloads,
    expiresAt: expiryOf(options.expires)?.toISOString() ?? null,
    reason,
  };
  if (options.database !== true) return call("POST", "/v1/keys", { body: asked });
  const parsed = v.safeParse(KeyRequest, asked);
  if (!parsed.success) {
    const faults = parsed.issues.map((issue) => `  ${v.getDotPath(issue)} ${issueText(issue)}`);
    throw new CliError(EXIT.usage, `The key cannot be made:\n${faults.join("\n")}`);
  }
  const { expiresAt, reason: why, ...order } = parsed.output;
  const until = expiresAt === null ? null : new Date(expiresAt);
  const { row, key } = await onDatabase((sql) => createKey(sql, { ...order, expiresAt: until }, why, person()));
  return { ...viewKey(row), key };
}

async function list({ database }: KeyOptions): Promise<unknown> {
  if (database !== true) return call("GET", "/v1/keys");
  return { items: (await onDatabase(listKeys)).map(viewKey), nextCursor: null };
}

async function revoke(name: string, { database, reason }: ReasonOptions): Promise<unknown> {
  if (database !== true) return call("POST", `/v1/keys/${encodeURIComponent(name)}/revoke`, { body: { reason } });
  if (reason.trim() === "") throw new CliError(EXIT.usage, "Say why with --reason.");
  return viewKey(await onDatabase((sql) => revokeKey(sql, name, reason.trim(), person())));
}

/** Who has the database's password is known by the login name only. */
function person(): { readonly actor: string } {
  return { actor: userInfo().username };
}

async function onDatabase<T>(act: (sql: Sql) => Promise<T>): Promise<T> {
  return withDatabase(parseConfig(process.env), "ekiden keys", async (url) => {
    const sql = connect(url, { max: 1, name: "keys" });
    try {
      await reachDatabase(sql, url);
      await migrateAt(url, [ENGINE_MIGRATIONS], (line) => writeError(line));
      return await act(sql);
    } finally {
      await sql.end({ timeout: 5 });
    }
  });
}

function expiryOf(text: string): Date | null {
  if (text === "never") return null;
  const ms = durationMs(text);
  if (ms !== undefined && ms > 0) return new Date(Date.now() + ms);
  throw new CliError(EXIT.usage, `--expires ${text} is no duration like 90d, nor never.`);
}

function createdText({ key, ...made }: v.InferOutput<typeof CreatedKey>): string {
  const shown = key ?? "shown when it was made";
  const lines = facts([
    ["name", made.name],
    ["role", made.role],
    ["definitions", made.definitions?.join(", ") ?? "all"],
    ["payloads", made.payloads ? "yes" : "no"],
    ["expires", made.expiresAt === null ? "never" : time(made.expiresAt)],
    ["key", shown],
  ]);
  return `${lines}\n\nKeep the key: it is not shown again.`;
}

function listText({ items }: v.InferOutput<typeof KeyList>): string {
  const rows = items.map((each) => [
    each.name,
    each.role,
    each.definitions?.join(",") ?? "all",
    each.payloads ? "yes" : "no",
    standing(each),
    `${each.createdBy}, ${time(each.createdAt)}`,
  ]);
  return table(
    ["NAME", "ROLE", "DEFINITIONS", "PAYLOADS", "STANDING", "MADE"],
    rows,
    "No key was ever made: nobody has to say who calls.",
  );
}

function standing({ revokedAt, expiresAt }: v.InferOutput<typeof ApiKey>): string {
  if (revokedAt !== null) return `revoked ${time(revokedAt)}`;
  if (expiresAt === null) return "good";
  return `${Date.parse(expiresAt) <= Date.now() ? "expired" : "good until"} ${time(expiresAt)}`;
}
