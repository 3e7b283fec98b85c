import type { Step } from "../core/definition.ts";
import type { DomainCatalog, Problem } from "../core/domain.ts";
import type { Json } from "../core/json.ts";
import { violations } from "../core/shape.ts";
import { suggestOrList } from "../definition/suggest.ts";
import { madeOutput, withFields } from "./participants.ts";
import type { Outcome } from "./plan.ts";
import { BLOCKS } from "./story.ts";
import type { StepWords } from "./step-words.ts";

/** What is wrong with a plan, and how to mend it. */
export interface PlanFault {
  readonly message: string;
  readonly hint: string;
}

const UNDO = "undo ";

/** Why a step cannot end so: there is none of that name, it has no outcome, or its handler cannot answer this. */
export function outcomeFault(
  words: StepWords,
  catalog: DomainCatalog | null,
  word: string,
  outcomes: readonly Outcome[],
): PlanFault | undefined {
  const undo = word.startsWith(UNDO);
  const name = undo ? word.slice(UNDO.length) : word;
  const step = words.find(name);
  if (step === undefined) return unknownStep(words, name);
  if (undo) return undoFault(step, name, outcomes);
  if (step.kind !== "command" && step.kind !== "notify" && step.kind !== "saga")
    return { message: `${whatIs(name, step)}: no participant answers it`, hint: KIND_HINTS[step.kind] ?? GIVE };
  for (const outcome of outcomes) {
    const problem = outputProblem(step, catalog, outcome);
    if (problem !== undefined) return cannotAnswer(name, problem);
  }
  return undefined;
}

/** A step's name that no step has. */
export function unknownStep(words: StepWords, name: string): PlanFault {
  return { message: `the definition has no step \`${name}\``, hint: suggestOrList(name, words.all()) };
}

/** Why a word is never among the steps that are told; undefined: it may be. */
export function untold(words: StepWords, word: string): PlanFault | undefined {
  const name = word.startsWith(UNDO) ? word.slice(UNDO.length) : word;
  const step = words.find(name);
  if (step === undefined) return unknownStep(words, name);
  if (BLOCKS.has(step.kind))
    return {
      message: `${whatIs(name, step)}, which is not told`,
      hint: WITHIN.has(step.kind) ? "Name its steps." : "Leave it out.",
    };
  if (!words.repeats(step) || /\[\d+\]/.test(name)) return undefined;
  return { message: `\`${name}\` runs once for each item`, hint: `Write \`${word}[0]\` for the first one.` };
}

function whatIs(name: string, { kind }: Step): string {
  return `\`${name}\` is ${/^[aeiou]/.test(kind) ? "an" : "a"} ${kind}`;
}

/** Why a signal cannot come so: nobody waits for it, or its payload fits no wait. */
export function signalFault(words: StepWords, signal: string, payload: Json | undefined): PlanFault | undefined {
  const waits = words
    .all()
    .map((word) => words.find(word))
    .filter((step) => step?.kind === "wait");
  const own = waits.filter((wait) => wait.signal === signal);
  if (own.length === 0) {
    const hint = suggestOrList(signal, new Set(waits.map((wait) => wait.signal)));
    return { message: `no step waits for the signal \`${signal}\``, hint };
  }
  if (payload === undefined) return undefined;
  const problems = own.map(({ returns }) => (returns === undefined ? [] : violations(returns, payload)));
  const [first] = problems.some((each) => each.length === 0) ? [] : (problems[0] ?? []);
  if (first === undefined) return undefined;
  return { message: `the payload of ${signal}: ${said(first)}`, hint: "Write what `returns` of the wait asks for." };
}

/** A problem in words: `/credit/amount is missing`. */
export function said({ path, message }: Problem): string {
  return `${path === "" ? "it" : path} ${message}`;
}

/** Blocks with steps in them. */
const WITHIN: ReadonlySet<string> = new Set(["choose", "parallel", "each"]);
const GIVE = "Give an outcome to a command, a notify or a child saga.";
const KIND_HINTS: Readonly<Record<string, string>> = {
  wait: "Give it a signal.",
  sleep: "The clock goes on by itself.",
  choose: "Give the outcome that it looks at.",
};

function undoFault(step: Step, name: string, outcomes: readonly Outcome[]): PlanFault | undefined {
  if (!("compensate" in step) || step.compensate === undefined)
    return { message: `\`${name}\` has no compensation`, hint: "Only a step with `compensate` is undone." };
  if (outcomes.some((outcome) => outcome.end === "succeeded" && outcome.output !== undefined))
    return { message: `the compensation of \`${name}\` has no output`, hint: "Write succeeded, rejected or failed." };
  return undefined;
}

function outputProblem(step: Step, catalog: DomainCatalog | null, outcome: Outcome): Problem | undefined {
  if (outcome.end !== "succeeded" || step.kind === "notify") return undefined;
  const action = step.kind === "command" ? catalog?.actions.get(step.command) : undefined;
  const made = madeOutput(step, action, catalog !== null);
  const whole = withFields(made, outcome.output);
  const parsed = action?.output?.parse(whole);
  if (parsed?.ok === false) return parsed.problems[0];
  const returns = "returns" in step ? step.returns : undefined;
  return returns === undefined ? undefined : violations(returns, whole)[0];
}

function cannotAnswer(name: string, problem: Problem): PlanFault {
  return {
    message: `\`${name}\` cannot answer this: ${said(problem)}`,
    hint: "Write fields of the output of its handler; what is left out is made up.",
  };
}
