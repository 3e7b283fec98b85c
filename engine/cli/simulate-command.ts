import type { Command } from "commander";

import { type Json, type JsonObject, isJsonObject } from "../core/json.ts";
import { startViolations } from "../definition/start-violations.ts";
import { outcomeFault, type PlanFault, said, signalFault } from "../simulate/check-plan.ts";
import { OUTCOME_HINT, outcomesOf, succeededWith } from "../simulate/outcome-notation.ts";
import { type Outcome, type Plan, type PlannedSignal, timeMs } from "../simulate/plan.ts";
import { sampleOfShape } from "../simulate/sample.ts";
import { InputFault, simulate } from "../simulate/simulate.ts";
import { StepWords } from "../simulate/step-words.ts";
import { runText } from "../simulate/story-text.ts";
import { CliError, EXIT } from "./cli-error.ts";
import { type SoundDefinition, soundDefinition } from "./definition-file.ts";
import { jsonArgument, readJsonFile } from "./json-argument.ts";
import { say } from "./write-line.ts";

interface SimulateOptions {
  readonly input?: string;
  readonly outcome: readonly string[];
  readonly signal: readonly string[];
  readonly cancel?: string;
  readonly at?: string;
  readonly start?: string;
  readonly whole?: boolean;
  readonly json?: boolean;
}

const NOTES = `
Nothing is stored and nothing is sent: the engine's own rules run with a clock of their own. A step that no --outcome names
succeeds, with the plainest output that its handler's schema allows.

Outcomes:
  screen=rejected                  the business says no; rejected:too_young gives the code
  screen=failed                    every attempt fails; failed*3: three do; failed:timeout gives the code
  screen=fatal                     it fails and is not retried
  screen={"result":"approved"}     it succeeds with these fields in its output
  contract=unknown                 an external call whose end nobody saw
  screen=silent                    no answer ever comes
  "screen=rejected after 2h"       it waits two hours before it runs
  "undo apply=failed*2"            the same for a compensation
The same step again is the next attempt: --outcome screen=failed --outcome screen=rejected.

Signals:
  screening_reviewed                                as soon as the saga waits for it, with a payload made from \`returns\`
  screening_reviewed={"decision":"approve"}@2d      with this payload, two days after the start

Example:
  ekiden simulate onboarding --outcome 'screen={"result":"manual_review"}' --signal screening_reviewed@1d`;

/** `simulate`: what a saga would do, without a database. */
export function addSimulateCommand(program: Command): void {
  program
    .command("simulate")
    .argument("<definition>", "a saga file, or the name of a definition in EKIDEN_DOMAINS")
    .description("tell what a saga would do: path, messages and compensations, without a database")
    .option("--input <file|json>", "input of the saga; without it the plainest that its `input` allows")
    .option("--outcome <step=outcome>", "how a step ends; may be repeated", appended, [])
    .option("--signal <name[=json][@time]>", "a signal that comes; may be repeated", appended, [])
    .option("--cancel <time>", "cancel the saga so long after its start, for example 1h")
    .option("--at <time>", "stop so long after its start, for example 3d: the saga as it stands then")
    .option("--start <date>", "when it starts, ISO 8601; 2026-01-01 by default")
    .option("--whole", "print messages without cutting them")
    .option("--json", "print the story as JSON")
    .addHelpText("after", NOTES)
    .action(async (definition: string, options: SimulateOptions) => {
      const sound = await soundDefinition(definition);
      const run = simulated(sound, await planOf(sound, options));
      say(options.json === true ? JSON.stringify(run, null, 2) : runText(run, options.whole));
    });
}

function appended(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}

function simulated({ definition, catalog }: SoundDefinition, plan: Plan) {
  try {
    return simulate(definition, plan, catalog);
  } catch (error) {
    if (error instanceof InputFault) throw new CliError(EXIT.usage, `the saga would not start: ${error.message}`);
    throw error;
  }
}

async function planOf(sound: SoundDefinition, options: SimulateOptions): Promise<Plan> {
  const words = new StepWords(sound.definition);
  return {
    input: await inputOf(sound, options.input),
    outcomes: outcomesIn(options.outcome, words, sound),
    signals: options.signal.map((text) => signalIn(text, words)),
    ...(options.cancel === undefined ? {} : { cancelAtMs: timeOf("--cancel", options.cancel) }),
    ...(options.at === undefined ? {} : { untilMs: timeOf("--at", options.at) }),
    ...(options.start === undefined ? {} : { startedAt: dateOf(options.start) }),
  };
}

async function inputOf({ definition, catalog }: SoundDefinition, given: string | undefined): Promise<JsonObject> {
  const input =
    given === undefined
      ? sampleOfShape(definition.input)
      : given.trimStart().startsWith("{")
        ? jsonArgument("--input", given)
        : await readJsonFile(given);
  const problems = startViolations(definition, input, catalog);
  if (problems.length === 0 && isJsonObject(input as Json)) return input as JsonObject;
  const what = given === undefined ? "no input can be made up for this saga: give one with --input" : "--input";
  throw new CliError(EXIT.usage, [`${what}:`, ...problems.map((problem) => `  ${said(problem)}`)].join("\n"));
}

function outcomesIn(
  texts: readonly string[],
  words: StepWords,
  { catalog }: SoundDefinition,
): Readonly<Record<string, readonly Outcome[]>> {
  const outcomes: Record<string, readonly Outcome[]> = {};
  for (const text of texts) {
    const [word, outcome] = splitAt(text, "=");
    if (outcome === undefined)
      throw wrong("--outcome", text, { message: "write it as step=outcome", hint: OUTCOME_HINT });
    const read = outcome.trimStart().startsWith("{")
      ? [succeededWith(jsonArgument(`--outcome ${word}`, outcome) as Json)]
      : outcomesOf(outcome);
    if (read === undefined)
      throw wrong("--outcome", text, { message: `\`${outcome}\` is no outcome`, hint: OUTCOME_HINT });
    const fault = outcomeFault(words, catalog, word, read);
    if (fault !== undefined) throw wrong("--outcome", text, fault);
    outcomes[word] = [...(outcomes[word] ?? []), ...read];
  }
  return outcomes;
}

function signalIn(text: string, words: StepWords): PlannedSignal {
  const [, before = text, time] = /^(.*)@([\w.]+)$/s.exec(text) ?? [];
  const [signal, json] = splitAt(before, "=");
  const payload = json === undefined ? undefined : (jsonArgument(`--signal ${signal}`, json) as Json);
  const fault = signalFault(words, signal, payload);
  if (fault !== undefined) throw wrong("--signal", text, fault);
  return {
    signal,
    ...(payload === undefined ? {} : { payload }),
    ...(time === undefined ? {} : { atMs: timeOf(`--signal ${signal}@`, time) }),
  };
}

function splitAt(text: string, mark: string): [string, string?] {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function timeOf(option: string, text: string): number {
  const ms = timeMs(text);
  if (ms !== undefined) return ms;
  throw new CliError(EXIT.usage, `${option} is "${text}", which is no time after the start like 30s, 2h or 3d`);
}

function dateOf(text: string): string {
  if (!Number.isNaN(Date.parse(text))) return text;
  throw new CliError(EXIT.usage, `--start is "${text}", which is no date like 2026-03-01 or 2026-03-01T09:00:00Z`);
}

function wrong(option: string, text: string, { message, hint }: PlanFault): CliError {
  return new CliError(EXIT.usage, `${option} ${text}: ${message}\nfix: ${hint}`);
}
