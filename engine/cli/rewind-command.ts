import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import type * as v from "valibot";

import { RewindReport } from "../api/group-schema.ts";
import { CliError, EXIT } from "./cli-error.ts";
import { call } from "./client.ts";
import { expect, type OutputOptions, print, withJson, withKey } from "./output.ts";
import { table } from "./table.ts";
import { say } from "./write-line.ts";

interface RewindOptions extends OutputOptions {
  readonly firstError?: boolean;
  readonly message?: string;
  readonly timestamp?: string;
  readonly topic?: string;
  readonly partition?: string;
  readonly offset?: string;
  readonly skip?: boolean;
  readonly leaveExpired?: boolean;
  readonly preview?: boolean;
  readonly yes?: boolean;
  readonly reason?: string;
  readonly key?: string;
}

type Report = v.InferOutput<typeof RewindReport>;

/** Moving a consumer group back; on a terminal the person sees first what it would do. */
export function addRewindCommand(program: Command): void {
  withKey(withJson(program.command("rewind").argument("<group>", "the group")))
    .description("move a group back: what was done is skipped, what failed and is still wanted runs again")
    .option("--first-error", "to the oldest message in error whose step is not settled")
    .option("--message <id>", "to this message")
    .option("--timestamp <time>", "to the first message recorded at or after it, like 2026-01-31T12:00:00Z")
    .option("--topic <topic>", "only in this topic; with --partition and --offset: to this place")
    .option("--partition <n>", "only in this partition of the topic (0 on the embedded transport)")
    .option("--offset <n>", "the next offset to consume")
    .option("--skip", "with --offset: pass over messages that the group has not consumed; it never sees them")
    .option("--leave-expired", "leave out what the topic holds no more, instead of refusing")
    .option("--preview", "say what would happen and move nothing")
    .option("--yes", "do not ask on a terminal")
    .option("--reason <text>", "why; it stands in the audit; needed without --preview")
    .action((group: string, options: RewindOptions) => rewind(group, options));
}

async function rewind(group: string, options: RewindOptions): Promise<void> {
  const target = rewindTarget(options);
  const { preview, reason, yes, json, key } = options;
  if (preview !== true && reason === undefined)
    throw new CliError(EXIT.usage, "rewind moves a group: say why with --reason, or look first with --preview");
  const path = `/v1/consumer-groups/${encodeURIComponent(group)}/rewind`;
  const body = reason === undefined ? target : { ...target, reason };
  const look = () => call("POST", path, { query: { preview: "true" }, body });
  if (preview === true) return print(options, RewindReport, await look(), rewindText);
  const asks = yes !== true && json !== true && process.stdin.isTTY === true && process.stdout.isTTY === true;
  if (asks) await ask(expect(RewindReport, await look()));
  print(options, RewindReport, await call("POST", path, { body, idempotencyKey: key }), rewindText);
}

/** @throws CliError when the person does not want it */
async function ask(report: Report): Promise<void> {
  say(rewindText(report));
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await terminal.question("Move the group? Type yes: ");
    if (answer.trim() !== "yes") throw new CliError(EXIT.interrupted, "Nothing was moved.");
  } finally {
    terminal.close();
  }
}

function rewindTarget(options: RewindOptions): object {
  const { firstError, message, timestamp, topic, partition, offset, skip, leaveExpired } = options;
  const ways = [firstError, message, timestamp, offset].filter((way) => way !== undefined);
  if (ways.length !== 1)
    throw new CliError(
      EXIT.usage,
      "say where to with exactly one of --first-error, --message, --timestamp, or --offset with --topic and --partition",
    );
  if (offset !== undefined && (topic === undefined || partition === undefined))
    throw new CliError(EXIT.usage, "--offset goes with --topic and --partition");
  if (partition !== undefined && topic === undefined) throw new CliError(EXIT.usage, "--partition goes with --topic");
  if (skip === true && offset === undefined)
    throw new CliError(EXIT.usage, "--skip goes with --topic, --partition and --offset");
  const narrowed = {
    ...(topic === undefined ? {} : { topic }),
    ...(partition === undefined ? {} : { partition: wholeNumber("--partition", partition) }),
    ...(leaveExpired === true ? { leaveExpired } : {}),
  };
  if (firstError === true) return { firstError, ...narrowed };
  if (message !== undefined) return { messageId: message, ...narrowed };
  if (timestamp !== undefined) return { timestamp, ...narrowed };
  return { ...narrowed, offset: wholeNumber("--offset", offset), skip };
}

function wholeNumber(option: string, text = ""): number {
  if (!/^\d{1,15}$/.test(text)) throw new CliError(EXIT.usage, `${option} ${text}: must be a whole number from 0`);
  return Number(text);
}

/** What a rewind does, as a table and in words. */
export function rewindText({ group, preview, parts }: Report): string {
  const rows = parts.map((part) => [
    part.topic,
    String(part.partition),
    part.from === null ? "-" : String(part.from),
    String(part.to),
    ...[part.run, part.parked, part.done, part.closed, part.waiting].map(String),
  ]);
  const head = ["TOPIC", "PARTITION", "FROM", "TO", "RUNS AGAIN", "PARKED", "SKIPPED", "GIVEN UP", "NOT YET CONSUMED"];
  const moved = preview ? "would move (nothing was moved)" : "moved";
  return `${group}: ${moved}\n${table(head, rows, "nothing")}\n${consequence({ group, preview, parts })}`;
}

function consequence({ parts, preview }: Report): string {
  const sum = (of: "run" | "parked" | "done" | "closed") => parts.reduce((total, part) => total + part[of], 0);
  const lost = parts.reduce((total, { from, to }) => total + Math.max(0, to - (from ?? to)), 0);
  if (lost > 0)
    return `${messages(lost)} ${preview ? "would be" : lost === 1 ? "is" : "are"} passed over: the group never sees them.`;
  const run = sum("run");
  const parked = sum("parked");
  const unpark =
    parked === 0 ? "" : ` (${parked} of them at a step where the saga is parked, which goes on if they succeed)`;
  const again =
    run === 0 ? "Nothing runs again" : `${messages(run)} that failed ${run === 1 ? "runs" : "run"} again${unpark}`;
  const done = sum("done");
  const closed = sum("closed");
  const rest = [
    ...(done === 0 ? [] : [`${done} ${done === 1 ? "is" : "are"} skipped as done`]),
    ...(closed === 0 ? [] : [`${closed} ${closed === 1 ? "stays" : "stay"} given up`]),
  ];
  const expired = parts.reduce((total, part) => total + part.expired, 0);
  const gone =
    expired === 0
      ? ""
      : ` ${messages(expired)} of that span ${expired === 1 ? "is" : "are"} older than what the topics hold, and not read again: \`ekiden republish\` has them.`;
  return `${[again, ...rest].join(", ")}. What was done is done once.${gone}`;
}

function messages(count: number): string {
  return count === 1 ? "1 message" : `${count} messages`;
}
