import type { Command } from "commander";
import type * as v from "valibot";

import { ConsumerGroup, ConsumerGroupList, RewindReport } from "../api/group-schema.ts";
import { CliError, EXIT } from "./cli-error.ts";
import { call } from "./client.ts";
import { type OutputOptions, print, withJson } from "./output.ts";
import { table } from "./table.ts";

interface RewindOptions extends OutputOptions {
  readonly firstError?: boolean;
  readonly message?: string;
  readonly timestamp?: string;
  readonly topic?: string;
  readonly partition?: string;
  readonly offset?: string;
  readonly skip?: boolean;
  readonly preview?: boolean;
  readonly reason?: string;
}

type GroupView = v.InferOutput<typeof ConsumerGroup>;

/** Consumer groups: where they stand, stopping them, moving them. */
export function addGroupCommands(program: Command): void {
  withJson(program.command("groups"))
    .description("list consumer groups with their lag")
    .action(async (options: OutputOptions) =>
      print(options, ConsumerGroupList, await call("GET", "/v1/consumer-groups"), ({ items }) => groupsText(items)),
    );
  withJson(program.command("pause").argument("<group>", "the group"))
    .description("stop a group from taking messages, also after a restart")
    .requiredOption("--reason <text>", "why; it stands in the audit")
    .action(async (group: string, options: OutputOptions & { reason: string }) =>
      moved(options, await call("POST", groupPath(group, "/pause"), { body: { reason: options.reason } })),
    );
  withJson(program.command("resume").argument("<group>", "the group"))
    .description("let a paused group take messages again")
    .option("--reason <text>", "why; it stands in the audit")
    .action(async (group: string, { json, ...body }: OutputOptions & { reason?: string }) =>
      moved({ json: json === true }, await call("POST", groupPath(group, "/resume"), { body })),
    );
  addRewind(program);
}

function addRewind(program: Command): void {
  withJson(program.command("rewind").argument("<group>", "the group"))
    .description("move a group back: what was done is skipped, what failed and is still wanted runs again")
    .option("--first-error", "to the oldest message in error whose step is not settled")
    .option("--message <id>", "to this message")
    .option("--timestamp <time>", "to the first message recorded at or after it, like 2026-01-31T12:00:00Z")
    .option("--topic <topic>", "with --partition and --offset: to this place")
    .option("--partition <n>", "partition (0 on the embedded transport)")
    .option("--offset <n>", "the next offset to consume")
    .option("--skip", "with --offset: pass over messages that the group has not consumed; it never sees them")
    .option("--preview", "say what would happen and move nothing")
    .option("--reason <text>", "why; it stands in the audit; needed without --preview")
    .action(async (group: string, options: RewindOptions) => {
      const target = rewindTarget(options);
      if (options.preview !== true && options.reason === undefined) {
        throw new CliError(EXIT.usage, "rewind moves a group: say why with --reason, or look first with --preview");
      }
      const body = options.reason === undefined ? target : { ...target, reason: options.reason };
      const query = { preview: options.preview === true ? "true" : undefined };
      print(options, RewindReport, await call("POST", groupPath(group, "/rewind"), { query, body }), rewindText);
    });
}

function rewindTarget({ firstError, message, timestamp, topic, partition, offset, skip }: RewindOptions): object {
  const place = [topic, partition, offset].filter((part) => part !== undefined).length;
  const ways = [firstError, message, timestamp, place > 0 ? "place" : undefined].filter((way) => way !== undefined);
  if (ways.length !== 1 || place % 3 !== 0) {
    const message =
      "say where to with exactly one of --first-error, --message, --timestamp, or --topic with --partition and --offset";
    throw new CliError(EXIT.usage, message);
  }
  if (skip === true && place === 0)
    throw new CliError(EXIT.usage, "--skip goes with --topic, --partition and --offset");
  if (firstError === true) return { firstError };
  if (message !== undefined) return { messageId: message };
  if (timestamp !== undefined) return { timestamp };
  return { topic, partition: wholeNumber("--partition", partition), offset: wholeNumber("--offset", offset), skip };
}

function wholeNumber(option: string, text = ""): number {
  if (!/^\d{1,15}$/.test(text)) throw new CliError(EXIT.usage, `${option} ${text}: must be a whole number from 0`);
  return Number(text);
}

function groupPath(group: string, verb: string): string {
  return `/v1/consumer-groups/${encodeURIComponent(group)}${verb}`;
}

function moved(options: OutputOptions, answer: unknown): void {
  print(options, ConsumerGroup, answer, (group) => groupsText([group]));
}

function groupsText(groups: readonly GroupView[]): string {
  const rows = groups.map((group) => [group.group, stateOf(group), String(group.lag), problemsOf(group)]);
  return table(["GROUP", "STATE", "LAG", ""], rows, "There are no consumer groups.");
}

function stateOf({ paused, members }: GroupView): string {
  if (paused) return "paused";
  return [...new Set(members.map(({ state }) => state))].join(", ") || "elsewhere";
}

function problemsOf({ pausedReason, members }: GroupView): string {
  return [pausedReason, ...members.map(({ problem }) => problem)].filter((text) => text !== null).join("; ");
}

function rewindText({ group, preview, parts }: v.InferOutput<typeof RewindReport>): string {
  const rows = parts.map((part) => [
    part.topic,
    String(part.partition),
    part.from === null ? "-" : String(part.from),
    String(part.to),
    ...[part.run, part.done, part.closed, part.waiting].map(String),
  ]);
  const head = ["TOPIC", "PARTITION", "FROM", "TO", "RUNS AGAIN", "SKIPPED", "GIVEN UP", "NOT YET CONSUMED"];
  return `${group}: ${preview ? "would move (nothing was moved)" : "moved"}\n${table(head, rows, "nothing")}`;
}
