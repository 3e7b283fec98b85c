import type { Command } from "commander";
import type * as v from "valibot";

import { AuditList } from "../api/audit-schema.ts";
import { call } from "./client.ts";
import { type OutputOptions, print, withJson } from "./output.ts";
import { table, time } from "./table.ts";

interface AuditOptions extends OutputOptions {
  readonly actor?: string;
  readonly action?: string;
  readonly target?: string;
  readonly since?: string;
  readonly limit?: string;
  readonly cursor?: string;
}

/** `audit`: what operators did. */
export function addAudit(program: Command): void {
  withJson(program.command("audit"))
    .description("list what operators did and why, newest first")
    .option("--actor <name>", "done by")
    .option("--action <action>", "this action, like group.rewind")
    .option("--target <id>", "done to this saga, message or consumer group")
    .option("--since <time>", "done at or after it, like 2026-01-31T12:00:00Z")
    .option("--limit <n>", "rows of a page, at most 200")
    .option("--cursor <cursor>", "the page after this one")
    .action(async ({ json = false, ...query }: AuditOptions) =>
      print({ json }, AuditList, await call("GET", "/v1/audit", { query }), auditText),
    );
}

function auditText({ items, nextCursor }: v.InferOutput<typeof AuditList>): string {
  const rows = items.map(({ at, actor, action, target, reason }) => [time(at), actor, action, target, reason ?? "-"]);
  const text = table(["AT", "WHO", "ACTION", "TARGET", "WHY"], rows, "Nobody did anything that fits.");
  return nextCursor === null ? text : `${text}\nThere are more: --cursor ${nextCursor}`;
}
