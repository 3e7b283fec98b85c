import type { Command } from "commander";
import type * as v from "valibot";

import { RebuildReport, RepublishReport } from "../api/recovery-schema.ts";
import { CliError, EXIT } from "./cli-error.ts";
import { call } from "./client.ts";
import { type ActOptions, expect, type OutputOptions, print, withJson, withKey, withReason } from "./output.ts";
import { ProgressLine } from "./progress-line.ts";
import { table } from "./table.ts";
import { addVerify } from "./verify-command.ts";

const LOOK_EVERY_MS = 500;

interface RepublishOptions extends OutputOptions {
  readonly since?: string;
  readonly until?: string;
  readonly saga?: string;
  readonly topic?: string;
  readonly missingOnly?: boolean;
  readonly preview?: boolean;
  readonly reason?: string;
  readonly key?: string;
}

type Rebuild = v.InferOutput<typeof RebuildReport>;
type Report = v.InferOutput<typeof RepublishReport>;

/** Recovery from the event store. */
export function addRecoveryCommands(program: Command): void {
  withKey(withJson(program.command("republish")))
    .description("send requests again from the event store: who has done one skips it")
    .option("--since <time>", "written at or after it, like 2026-01-31T12:00:00Z")
    .option("--until <time>", "written before it")
    .option("--saga <id>", "of this saga")
    .option("--topic <topic>", "of this topic")
    .option("--missing-only", "only what a group which must consume it has not consumed")
    .option("--preview", "count, and send nothing")
    .option("--reason <text>", "why; it stands in the audit; needed without --preview")
    .action(async ({ json, key, ...body }: RepublishOptions) => {
      if (body.preview !== true && body.reason === undefined) {
        throw new CliError(EXIT.usage, "republish sends messages: say why with --reason, or look first with --preview");
      }
      const report = await watched(
        expect(RepublishReport, await call("POST", "/v1/republish", { body, idempotencyKey: key })),
      );
      print({ json: json === true }, RepublishReport, report, republishText);
    });
  addRebuild(program);
  addVerify(program);
}

function addRebuild(program: Command): void {
  withReason(program.command("rebuild").argument("<group>", "the projection, <domain>.<projection>"))
    .description("build a projection anew from the event store; readers see the old rows until it is done")
    .action(async (group: string, { json, reason, key }: ActOptions) => {
      const path = `/v1/projections/${encodeURIComponent(group)}/rebuild`;
      const report = await rebuilt(
        path,
        expect(RebuildReport, await call("POST", path, { body: { reason }, idempotencyKey: key })),
      );
      if (report.state !== "done") throw new CliError(EXIT.refused, notRebuilt(report), report);
      print({ json: json === true }, RebuildReport, report, ({ events }) => `${group} is rebuilt: ${events} events`);
    });
}

function notRebuilt({ group, state, code, problem }: Rebuild): string {
  if (state !== "failed") return `the rebuilding of ${group} is ${state}`;
  return `${group} was not rebuilt and is as it was: ${problem}${code === null ? "" : ` (${code})`}`;
}

async function rebuilt(path: string, first: Rebuild): Promise<Rebuild> {
  const line = new ProgressLine();
  try {
    for (let report = first; ; report = expect(RebuildReport, await call("GET", path))) {
      if (report.finishedAt !== null) return report;
      line.show(
        report.share,
        report.state === "asked" ? "waits for a process with its domain" : `${report.events} events`,
      );
      await Bun.sleep(LOOK_EVERY_MS);
    }
  } finally {
    line.end();
  }
}

/** Follows a run to its end. One that is no longer watched goes on all the same. */
async function watched(first: Report): Promise<Report> {
  const line = new ProgressLine();
  try {
    for (let report = first; ; ) {
      if (report.id === null || report.finishedAt !== null) return report;
      line.show(report.share, `${report.sent} sent again of ${report.scanned} looked at`);
      await Bun.sleep(LOOK_EVERY_MS);
      report = expect(RepublishReport, await call("GET", `/v1/republish/${report.id}`));
    }
  } finally {
    line.end();
  }
}

function republishText({ state, sent, scanned, topics }: Report): string {
  const head = ["TOPIC", "MESSAGES"];
  const rows = topics.map(({ topic, messages }) => [topic, String(messages)]);
  return `${sentence(state, sent, scanned)}\n${table(head, rows, "Nothing fits.")}`;
}

function sentence(state: Report["state"], sent: number, scanned: number): string {
  const of = `of ${scanned} looked at`;
  if (state === "counted") return `would send ${sent} ${of} (nothing was sent)`;
  if (state === "counting") return `would send ${sent} or more: ${of} until the time was up (nothing was sent)`;
  return `${state === "done" || state === "running" ? "" : `${String(state)}: `}sent ${sent} ${of}`;
}
