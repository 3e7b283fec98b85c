import { type Command, Option } from "commander";
import * as v from "valibot";

import { EditPreview, Redriven } from "../api/message-schema.ts";
import { RedriveDetail, RedriveList, RedrivePreview } from "../api/redrive-schema.ts";
import { CliError, EXIT } from "./cli-error.ts";
import { call } from "./client.ts";
import { jsonArgument } from "./json-argument.ts";
import { type Named, noneText } from "./named-unknown.ts";
import { type ActOptions, expect, type OutputOptions, print, withJson, withKey, withReason } from "./output.ts";
import { followRedrive } from "./redrive-progress.ts";
import { NONE_SELECTED, redriveText, redrivesText, selectedText } from "./redrive-text.ts";

const NothingFits = v.object({ code: v.literal("redrive.nothing") });

interface FilterOptions {
  readonly group?: string;
  readonly errorCode?: string;
  readonly definition?: string;
  readonly topic?: string;
  readonly action?: string;
  readonly failedAfter?: string;
  readonly failedBefore?: string;
}

interface RedriveOptions extends OutputOptions, FilterOptions {
  readonly body?: string;
  readonly rate?: string;
  readonly stopAfter?: string;
  readonly preview?: boolean;
  readonly wait?: boolean;
  readonly reason?: string;
  readonly key?: string;
}

/** Sending failed messages again: one, or all that a filter finds. */
export function addRedriveCommands(program: Command): void {
  addRedrive(program);
  const redrives = withJson(program.command("redrives"))
    .description("list redrives, newest first; show, continue or stop one")
    .action(async (options: OutputOptions) =>
      print(options, RedriveList, await call("GET", "/v1/redrives"), ({ items }) => redrivesText(items)),
    );
  withJson(redrives.command("show").argument("<id>", "the redrive"))
    .description("where a redrive stands, and what became of its messages")
    .addOption(
      new Option("--status <status>", "only its messages that stand so").choices([
        "waiting",
        "sent",
        "done",
        "failed",
        "closed",
      ]),
    )
    .option("--cursor <cursor>", "the page after this one")
    .action(async (id: string, _options: object, command: Command) => {
      const { json, ...query } = command.optsWithGlobals<OutputOptions & { status?: string; cursor?: string }>();
      print({ json: json === true }, RedriveDetail, await call("GET", redrivePath(id), { query }), redriveText);
    });
  withReason(redrives.command("continue").argument("<id>", "the redrive"))
    .description("go on with a redrive that waits for a person; what failed is sent again, last")
    .option("--no-wait", "do not wait for its end")
    .action(async (id: string, _options: object, command: Command) => {
      const { json, wait, ...given } = command.optsWithGlobals<ActOptions & { wait: boolean }>();
      await untilEnd(await act(id, "/continue", given), wait, json === true);
    });
  withReason(redrives.command("stop").argument("<id>", "the redrive"))
    .description("send nothing more of a redrive")
    .action(async (id: string, _options: object, command: Command) => {
      const { json, ...given } = command.optsWithGlobals<ActOptions>();
      print({ json: json === true }, RedriveDetail, await act(id, "/stop", given), redriveText);
    });
}

function addRedrive(program: Command): void {
  withKey(
    withJson(
      program.command("redrive").argument("[ids...]", "ids of messages; without one, all that the filter finds"),
    ),
  )
    .description("send failed messages again: who has done one skips it, who failed on it runs it")
    .option("--body <json>", "of one message: its body, edited; the message is replaced by a new one")
    .option("--group <group>", "all on which this group failed")
    .option("--error-code <code>", "all that failed with it")
    .option("--definition <name>", "all of sagas of this definition")
    .option("--topic <topic>", "all of this topic")
    .option("--action <action>", "all for this handler")
    .option("--failed-after <time>", "all that failed at or after it, like 2026-01-31T12:00:00Z")
    .option("--failed-before <time>", "all that failed before it")
    .option("--rate <n>", "of many: messages a second, at most (10)")
    .option("--stop-after <n>", "of many: failures in a row that stop it (3)")
    .option("--preview", "of many: count and show some; of one with --body: say whether it fits; send nothing")
    .option("--no-wait", "of many: do not wait for its end")
    .option("--reason <text>", "why; it stands in the audit; needed without --preview")
    .action(async (ids: string[], options: RedriveOptions) => {
      if (options.preview !== true && options.reason === undefined)
        throw new CliError(EXIT.usage, "redrive sends messages: say why with --reason, or look first with --preview");
      const filter = filterOf(options);
      const filtered = Object.values(filter).some((value) => value !== undefined);
      if ((ids.length === 0) !== filtered)
        throw new CliError(EXIT.usage, "say what to send again: either the id of a message, or a filter like --group");
      const [id, second] = ids;
      if (id !== undefined && second === undefined) await redriveOne(id, options);
      else await redriveMany(id === undefined ? { filter } : { messageIds: ids }, options);
    });
}

async function redriveOne(id: string, options: RedriveOptions): Promise<void> {
  const { reason, body, preview, key } = options;
  if (preview === true && body === undefined)
    throw new CliError(EXIT.usage, "--preview goes with a filter or --body; `ekiden messages` shows one message");
  const edited = body === undefined ? {} : { body: jsonArgument("--body", body) };
  const path = `/v1/messages/${encodeURIComponent(id)}/redrive`;
  if (preview === true)
    return print(options, EditPreview, await call("POST", path, { body: { preview, ...edited } }), fitsText);
  print(
    options,
    Redriven,
    await call("POST", path, { body: { reason, ...edited }, idempotencyKey: key }),
    redrivenText,
  );
}

function fitsText({ messageId, action, schemaKnown }: v.InferOutput<typeof EditPreview>): string {
  const verdict = schemaKnown
    ? `the edited body of ${messageId} fits the input of ${action}`
    : `nothing is known of the input of ${action}: only the handler itself can check the edited body of ${messageId}`;
  return `${verdict}\nnothing was sent`;
}

function redrivenText({
  messageId,
  republishId,
  supersededBy,
  doneBy,
  settled,
}: v.InferOutput<typeof Redriven>): string {
  if (supersededBy !== null) return `message ${messageId} is replaced by ${supersededBy}, with the edited body`;
  const sent = `message ${messageId} is sent again, as republishing ${republishId}; ekiden messages --error says when it fails once more`;
  if (settled) return `${sent}\nits step is settled: nothing runs, it is answered with what stands`;
  return doneBy.length === 0 ? sent : `${sent}\n${doneBy.join(", ")} skips it: done before`;
}

/** Which messages of many: those that a filter finds, or these. */
type Selected = { readonly filter: FilterOptions } | { readonly messageIds: readonly string[] };

async function redriveMany(selected: Selected, options: RedriveOptions): Promise<void> {
  if (options.body !== undefined) throw new CliError(EXIT.usage, "--body goes with the id of one message");
  const { preview, reason, rate, stopAfter, wait, json, key } = options;
  const pace = {
    ...(rate === undefined ? {} : { ratePerSecond: numberOf("--rate", rate) }),
    ...(stopAfter === undefined ? {} : { stopAfterErrors: numberOf("--stop-after", stopAfter) }),
  };
  const body = { ...selected, reason, preview: preview === true, ...pace };
  const named = "filter" in selected ? selected.filter : {};
  const asked = { body, idempotencyKey: preview === true ? undefined : key };
  const answer = await call("POST", "/v1/redrives", asked).catch((error: unknown) => refused(error, named));
  if (preview === true) {
    const none = json === true ? NONE_SELECTED : await noneSelected(expect(RedrivePreview, answer).total, named);
    return print(options, RedrivePreview, answer, (found) => selectedText(found, none));
  }
  await untilEnd(answer, wait !== false, json === true);
}

/** Where nothing fits since a name does not exist, the refusal says which. @throws CliError */
async function refused(error: unknown, named: Named): Promise<never> {
  if (!(error instanceof CliError) || !v.is(NothingFits, error.answer)) throw error;
  const text = await noneText(NONE_SELECTED, named);
  throw text === NONE_SELECTED ? error : new CliError(error.exit, text, error.answer);
}

async function noneSelected(total: number, named: Named): Promise<string> {
  return total === 0 ? noneText(NONE_SELECTED, named) : NONE_SELECTED;
}

/** Shows a redrive: as it is now, or when it has ended or waits for a person. */
async function untilEnd(answer: unknown, wait: boolean, json: boolean): Promise<void> {
  if (!wait) return print({ json }, RedriveDetail, answer, redriveText);
  const ended = await followRedrive(expect(RedriveDetail, answer), json);
  print({ json }, RedriveDetail, ended, redriveText);
  if (ended.status !== "done" || ended.failed > 0) throw new CliError(EXIT.notCompleted, goOnText(ended));
}

function goOnText({ redriveId, status, failed, problem }: v.InferOutput<typeof RedriveDetail>): string {
  if (status === "waiting") {
    const go = `bun run ekiden redrives continue ${redriveId} --reason …`;
    return `It stopped itself: ${problem}.\nfix: Mend the cause, then \`${go}\`, or \`stop\`.`;
  }
  if (status !== "done") return status === "stopped" ? "It was stopped." : `It is ${status}.`;
  return `${failed} failed again.\nfix: It is over: mend the cause, then ask for another redrive.`;
}

function filterOf(options: RedriveOptions): FilterOptions {
  const { group, errorCode, definition, topic, action, failedAfter, failedBefore } = options;
  return { group, errorCode, definition, topic, action, failedAfter, failedBefore } as FilterOptions;
}

function numberOf(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value))
    throw new CliError(EXIT.usage, `${option} ${text}: must be a number`);
  return value;
}

function act(id: string, verb: string, { reason, key }: ActOptions): Promise<unknown> {
  return call("POST", redrivePath(id, verb), { body: { reason }, idempotencyKey: key });
}

function redrivePath(id: string, verb = ""): string {
  return `/v1/redrives/${encodeURIComponent(id)}${verb}`;
}
