import type { Command } from "commander";
import type * as v from "valibot";

import { RepublishReport } from "../api/recovery-schema.ts";
import { CliError, EXIT } from "./cli-error.ts";
import { call } from "./client.ts";
import { expect, type OutputOptions, print, withJson } from "./output.ts";
import { ProgressLine } from "./progress-line.ts";
import { table } from "./table.ts";

const LOOK_EVERY_MS = 500;

interface RepublishOptions extends OutputOptions {
  readonly since?: string;
  readonly until?: string;
  readonly saga?: string;
  readonly topic?: string;
  readonly missingOnly?: boolean;
  readonly preview?: boolean;
  readonly reason?: string;
}

type Report = v.InferOutput<typeof RepublishReport>;

/** Recovery from the event store. */
export function addRecoveryCommands(program: Command): void {
  withJson(program.command("republish"))
    .description("send requests again from the event store: who has done one skips it")
    .option("--since <time>", "written at or after it, like 2026-01-31T12:00:00Z")
    .option("--until <time>", "written before it")
    .option("--saga <id>", "of this saga")
    .option("--topic <topic>", "of this topic")
    .option("--missing-only", "only what a group which must consume it has not consumed")
    .option("--preview", "count, and send nothing")
    .option("--reason <text>", "why; it stands in the audit; needed without --preview")
    .action(async ({ json, ...body }: RepublishOptions) => {
      if (body.preview !== true && body.reason === undefined) {
        throw new CliError(EXIT.usage, "republish sends messages: say why with --reason, or look first with --preview");
      }
      const report = await watched(expect(RepublishReport, await call("POST", "/v1/republish", { body })));
      print({ json: json === true }, RepublishReport, report, republishText);
    });
}

/** Follows a run to its end. One that is no longer watched goes on all the same. */
async function watched(first: Report): Promise<Report> {
  const line = new ProgressLine();
  try {
    for (let report = first; ; ) {
      if (report.state !== "running") return report;
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
  return `sent ${sent} ${of}`;
}
