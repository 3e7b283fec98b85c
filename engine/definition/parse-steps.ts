import type { Node } from "yaml";
import type { Position, Retry, Step } from "../core/definition.ts";
import { HABITS } from "./habits.ts";
import { type Kind, KINDS, keysOf } from "./language.ts";
import {
  checkKeys,
  type Field,
  type Fields,
  fieldsOf,
  itemsOf,
  type ParseContext,
  positionOf,
  report,
  take,
} from "./parse-context.ts";
import { eachStep, parallelStep } from "./parse-blocks.ts";
import { chooseStep } from "./parse-choose.ts";
import { endStep, failStep, setStep, sleepStep } from "./parse-plain-kinds.ts";
import { commandStep, notifyStep, sagaStep, waitStep } from "./parse-step-kinds.ts";
import { bareExpressionOf } from "./parse-template.ts";
import { nameOf, textOf } from "./parse-values.ts";
import { suggest } from "./suggest.ts";

/** What `defaults` says, for all steps. */
export interface Defaults {
  readonly timeoutMs: number;
  readonly retry: Retry;
}

/** The parts that all kinds of steps share. */
export interface StepCommon {
  readonly id: string;
  readonly name?: string;
  readonly description?: string;
  readonly if?: NonNullable<Step["if"]>;
  readonly at: Position;
}

/** Where a step is being read. `names` holds all step names of the file so far. */
export interface StepContext extends ParseContext {
  readonly defaults: Defaults;
  readonly names: Map<string, Position>;
  /** Steps of the whole file so far. */
  readonly count: { steps: number };
}

/** More than any saga that a person can read. The checks' work grows with its square. */
const STEPS_MAX = 2000;

const ALL_KEYS = [...new Set([...keysOf("step"), ...KINDS.flatMap(keysOf)])];

/** A list of steps. Steps that could not be read are left out; an error was reported for each. */
export function stepsOf(context: StepContext, node: Node, what: string): readonly Step[] {
  const steps = (itemsOf(context, node, what) ?? []).map((item, index) => stepOf(context, item, index));
  const read = steps.filter((step) => step !== undefined);
  reportSameIds(context, read);
  return read;
}

function stepOf(context: StepContext, node: Node, index: number): Step | undefined {
  context.count.steps++;
  if (context.count.steps === STEPS_MAX + 1) {
    const hint = "Split the saga, or move work into a domain's steps.";
    report(context, "definition.too-large", node, `a saga has at most ${STEPS_MAX} steps`, hint);
  }
  const fields = context.count.steps > STEPS_MAX ? undefined : fieldsOf(context, node, "a step");
  if (fields === undefined) return undefined;
  const kind = kindOf(context, node, fields);
  checkKeys(context, kind === "each" ? withoutItsOwn(context, fields) : fields, ALL_KEYS, HABITS);
  if (kind === undefined) return undefined;
  refuseMisplaced(context, fields, kind);
  const common = commonOf(context, node, fields, `${kind}${index}`);
  const step = readKind(context, kind, common, fields);
  return step === undefined ? undefined : markKeys(context, step, fields);
}

/** `concurrency` beside `each` instead of in it: one level of indentation is missing. */
function withoutItsOwn(context: StepContext, fields: Fields): Fields {
  const own = keysOf("in each").filter((key) => !ALL_KEYS.includes(key));
  for (const { key, keyAt } of fields.values()) {
    if (!own.includes(key)) continue;
    const hint = "Indent it below `each:`.";
    context.findings.error("definition.misplaced-key", keyAt, `\`${key}\` stands inside \`each\``, hint);
  }
  return new Map([...fields].filter(([key]) => !own.includes(key)));
}

function readKind(context: StepContext, kind: Kind, common: StepCommon, fields: Fields): Step | undefined {
  switch (kind) {
    case "command":
      return commandStep(context, common, fields);
    case "notify":
      return notifyStep(context, common, fields);
    case "wait":
      return waitStep(context, common, fields);
    case "sleep":
      return sleepStep(context, common, fields);
    case "choose":
      return chooseStep(context, common, fields);
    case "parallel":
      return parallelStep(context, common, fields);
    case "each":
      return eachStep(context, common, fields);
    case "saga":
      return sagaStep(context, common, fields);
    case "set":
      return setStep(context, common, fields);
    case "fail":
      return failStep(context, common, fields);
    case "end":
      return endStep(context, common, fields);
  }
}

function kindOf(context: StepContext, node: Node, fields: Fields): Kind | undefined {
  const present = KINDS.filter((kind) => fields.has(kind));
  const [first, second] = present;
  if (second !== undefined) {
    const at = fields.get(second)?.keyAt ?? positionOf(context, node);
    const hint = "Make it two steps.";
    context.findings.error("definition.step-kind", at, `one step cannot be both \`${first}\` and \`${second}\``, hint);
    return undefined;
  }
  if (first === undefined) {
    // A misspelt kind is reported as an unknown key, with the suggestion.
    const misspelt = [...fields.keys()].some(
      (key) => !ALL_KEYS.includes(key) && (suggest(key, KINDS) !== undefined || HABITS.has(key)),
    );
    const hint = `Add one of ${KINDS.join(", ")}.`;
    if (!misspelt)
      context.findings.error(
        "definition.step-kind",
        positionOf(context, node),
        "this step does not say what it does",
        hint,
      );
  }
  return first;
}

function refuseMisplaced(context: StepContext, fields: Fields, kind: Kind): void {
  for (const { key, keyAt } of fields.values()) {
    if (keysOf("step").includes(key) || keysOf(kind).includes(key) || !ALL_KEYS.includes(key)) continue;
    const hint = misplacedHint(kind, key);
    context.findings.error(
      "definition.misplaced-key",
      keyAt,
      `${article(kind)} \`${kind}\` step cannot have \`${key}\``,
      hint,
    );
  }
}

function article(kind: Kind): string {
  return /^[aeiou]/.test(kind) ? "an" : "a";
}

function misplacedHint(kind: Kind, key: string): string {
  if (kind === "notify" && (key === "compensate" || key === "catch" || key === "output" || key === "returns")) {
    return "Nobody awaits a notify: use `command`.";
  }
  const kinds = KINDS.filter((each) => keysOf(each).includes(key));
  return `\`${key}\` belongs to ${kinds.join(", ")}.`;
}

function commonOf(context: StepContext, node: Node, fields: Fields, positional: string): StepCommon {
  const name = take(fields, "step", (field) => stepName(context, field));
  const description = take(fields, "description", ({ value }) => textOf(context, value, "`description`"));
  const condition = take(fields, "if", ({ value }) => bareExpressionOf(context, value, "`if`"));
  return {
    id: name ?? positional,
    at: positionOf(context, node),
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(condition === undefined ? {} : { if: condition }),
  };
}

function stepName(context: StepContext, field: Field): string | undefined {
  const name = nameOf(context, field.value, "a step");
  if (name === undefined) return undefined;
  const at = positionOf(context, field.value);
  const earlier = context.names.get(name);
  if (earlier === undefined) context.names.set(name, at);
  else reportDuplicate(context, name, at, `there is a step \`${name}\` at line ${earlier.line} already`);
  return name;
}

/** A step named `fail1` would take the path of an unnamed `fail` at index 1. */
function reportSameIds(context: StepContext, steps: readonly Step[]): void {
  const ids = new Set(steps.filter((step) => step.name === undefined).map((step) => step.id));
  for (const step of steps) {
    if (step.name === undefined || !ids.has(step.id)) continue;
    reportDuplicate(context, step.name, step.at, `an unnamed step of this block is called \`${step.name}\``);
  }
}

function reportDuplicate(context: StepContext, name: string, at: Position, message: string): void {
  context.findings.error(
    "definition.duplicate-step",
    at,
    message,
    `Names are unique in the file: call this one ${name}_2, say.`,
  );
}

function markKeys<S extends Step>(context: StepContext, step: S, fields: Fields): S {
  context.marks.mark(step, step.at);
  for (const { key, value } of fields.values()) context.marks.markKey(step, key, positionOf(context, value));
  return step;
}
