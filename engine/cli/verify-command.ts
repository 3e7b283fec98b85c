import type { Command } from "commander";
import type * as v from "valibot";

import { VerifyReport } from "../api/recovery-schema.ts";
import { CliError, EXIT } from "./cli-error.ts";
import { call } from "./client.ts";
import { expect, type OutputOptions, withJson } from "./output.ts";
import { ProgressLine } from "./progress-line.ts";
import { say } from "./write-line.ts";

const PAGE = "200";
/** Differences that are kept to be told; of more only the number is. */
const KEPT_MAX = 1_000;

interface VerifyOptions extends OutputOptions {
  readonly saga?: string;
  readonly parallel?: string;
}

type Page = v.InferOutput<typeof VerifyReport>;
type Difference = Page["differences"][number];
type Unverifiable = Page["unverifiable"][number];

interface Verified {
  checked: number;
  differing: number;
  differences: Difference[];
  unverifiable: Unverifiable[];
}

/** `verify`: whether sagas are what their events make of them. */
export function addVerify(program: Command): void {
  withJson(program.command("verify"))
    .description("fold sagas from their events and compare with what is stored; exit code 1: some differ")
    .option("--saga <id>", "only this saga")
    .option("--parallel <n>", "sagas folded at once, 1 to 8")
    .action(async ({ json, ...query }: VerifyOptions) => {
      const found = await allPages(query);
      if (json === true) say(JSON.stringify(found, null, 2));
      else say(verifiedText(found));
      const [first] = found.differences;
      if (first !== undefined) throw new CliError(EXIT.refused, differenceText(first));
    });
}

async function allPages(query: Omit<VerifyOptions, "json">): Promise<Verified> {
  const found: Verified = { checked: 0, differing: 0, differences: [], unverifiable: [] };
  const line = new ProgressLine();
  try {
    for (let cursor: string | undefined; ; ) {
      const answer = await call("GET", "/v1/verify", { query: { ...query, limit: PAGE, cursor } });
      const page = expect(VerifyReport, answer);
      found.checked += page.checked;
      found.differing += new Set(page.differences.map(({ sagaId }) => sagaId)).size;
      found.differences.push(...page.differences.slice(0, KEPT_MAX - found.differences.length));
      found.unverifiable.push(...page.unverifiable.slice(0, KEPT_MAX - found.unverifiable.length));
      line.show(page.share, `${found.checked} sagas, ${found.differing} differ`);
      if (page.nextCursor === null) return found;
      cursor = page.nextCursor;
    }
  } finally {
    line.end();
  }
}

function verifiedText({ checked, differing, unverifiable }: Verified): string {
  const folded = checked - unverifiable.length;
  const sentence = `${checked} sagas: ${folded - differing} are what their events make of them, ${differing} differ, ${unverifiable.length} cannot be verified`;
  const reasons = unverifiable.map(({ sagaId, definition, reason }) => `  ${sagaId} (${definition}): ${reason}`);
  return [sentence, ...reasons].join("\n");
}

function differenceText({ sagaId, definition, event, field, folded, stored }: Difference): string {
  const by = event === null ? "no event has written it" : `after event ${event}`;
  return `saga ${sagaId} (${definition}): ${field} is ${stored}, but its events make it ${folded}, ${by}`;
}
