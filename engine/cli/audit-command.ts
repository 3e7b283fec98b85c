import type { Command } from "commander";
import type * as v from "valibot";

import { AuditList, AuditVerification } from "../api/audit-schema.ts";
import { CliError, EXIT } from "./cli-error.ts";
import { call } from "./client.ts";
import { expect as expected, type OutputOptions, print, withJson } from "./output.ts";
import { table, time } from "./table.ts";

interface AuditOptions extends OutputOptions {
  readonly actor?: string;
  readonly action?: string;
  readonly target?: string;
  readonly saga?: string;
  readonly since?: string;
  readonly limit?: string;
  readonly cursor?: string;
  readonly verify?: boolean;
  readonly expect?: string;
}

/** `audit`: what operators did. */
export function addAudit(program: Command): void {
  withJson(program.command("audit"))
    .description("list what operators did and why, newest first")
    .option("--actor <name>", "done by")
    .option("--action <action>", "this action, like group.rewind")
    .option("--target <id>", "done to this saga, message or consumer group")
    .option("--saga <id>", "done to this saga, or to a message of it")
    .option("--since <time>", "done at or after it, like 2026-01-31T12:00:00Z")
    .option("--limit <n>", "rows of a page, at most 200")
    .option("--cursor <cursor>", "the page after this one")
    .option("--verify", "say whether all of it is as it was written; exit code 1 if not")
    .option("--expect <head>", "with --verify: a head that it printed before, and that must still stand in the chain")
    .action(async ({ json = false, verify = false, expect, ...query }: AuditOptions) => {
      if (verify) return verifyAll({ json }, expect);
      if (expect !== undefined) throw new CliError(EXIT.usage, "--expect goes with --verify.");
      print({ json }, AuditList, await call("GET", "/v1/audit", { query }), auditText);
    });
}

async function verifyAll(options: OutputOptions, expect: string | undefined): Promise<void> {
  const answer = await call("GET", "/v1/audit/verification", { query: { expect } });
  print(options, AuditVerification, answer, verificationText);
  if (!expected(AuditVerification, answer).whole) process.exitCode = EXIT.refused;
}

const FAULTS = {
  changed: "it, or the hash before it, was changed",
  missing: "the entry is gone",
  gap: "a place before it is gone",
  unsealed: "it is not in the chain: slipped in, or its place is gone",
  unexpected: "this place has another hash than the head that was expected, or none",
};

function verificationText({ whole, rows, head, faults }: v.InferOutput<typeof AuditVerification>): string {
  if (whole)
    return `${rows} actions are as they were written.\nhead  ${head ?? "none yet"}\nKeep the head elsewhere, for --expect.`;
  const found = faults.map((each) => [String(each.position ?? "-"), each.auditId || "-", FAULTS[each.fault]]);
  return table(["PLACE", "ENTRY", "FOUND"], found, "");
}

function auditText({ items, nextCursor }: v.InferOutput<typeof AuditList>): string {
  const rows = items.map(({ at, actor, action, target, reason }) => [time(at), actor, action, target, reason ?? "-"]);
  const text = table(["AT", "WHO", "ACTION", "TARGET", "WHY"], rows, "Nobody did anything that fits.");
  return nextCursor === null ? text : `${text}\nThere are more: --cursor ${nextCursor}`;
}
