import { isMap, isScalar, type Node } from "yaml";

import type { Json } from "../core/json.ts";
import type { SagaStatus } from "../core/state.ts";
import {
  checkKeys,
  type Field,
  type Fields,
  fieldsOf,
  itemsOf,
  positionOf,
  report,
} from "../definition/parse-context.ts";
import { textOf } from "../definition/parse-values.ts";
import { suggestOrList } from "../definition/suggest.ts";
import { type PlanFault, unknownStep, untold } from "../simulate/check-plan.ts";
import type { StepWords } from "../simulate/step-words.ts";
import { jsonOf, type ScenarioContext, timeAt } from "./parse-given.ts";
import type { Expected } from "./scenario.ts";

const KEYS = ["steps", "status", "output", "error", "uncompensated", "waiting", "after", "sent"];
const STATUSES: readonly SagaStatus[] = ["running", "compensating", "parked", "completed", "failed", "cancelled"];
const UNDO = "undo ";

/** `expect`: what must come of a scenario. */
export function expectedOf(context: ScenarioContext, node: Node): Expected {
  const fields = fieldsOf(context, node, "`expect`");
  if (fields === undefined) return {};
  checkKeys(context, fields, KEYS);
  if (fields.size === 0) {
    report(
      context,
      "definition.missing-key",
      node,
      "`expect` expects nothing",
      "Write `status: completed`, for example.",
    );
  }
  const read = <T>(key: string, parse: (field: Field) => T | undefined) => {
    const field = fields.get(key);
    const value = field === undefined ? undefined : parse(field);
    return value === undefined || field === undefined ? undefined : { value, at: field.keyAt };
  };
  const found = {
    steps: read("steps", (field) => wordsOf(context, field, untold)),
    status: read("status", (field) => statusOf(context, field)),
    output: read("output", ({ value }) => jsonOf(value)),
    error: read("error", (field) => errorOf(context, field)),
    uncompensated: read("uncompensated", (field) => wordsOf(context, field)),
    waiting: read("waiting", (field) => namesOf(context, field)),
    afterMs: read("after", (field) => timeAt(context, field)),
    sent: sentOf(context, fields),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

/** A list of steps; each must be one of the definition, and what else `fault` asks for. */
function wordsOf(context: ScenarioContext, { key, value }: Field, fault = unknown): readonly string[] {
  return (itemsOf(context, value, `\`${key}\``) ?? []).flatMap((item) => {
    const text = textOf(context, item, "a step");
    return text === undefined ? [] : [wordOf(context, item, text, fault)];
  });
}

function unknown(words: StepWords, word: string): PlanFault | undefined {
  const name = word.startsWith(UNDO) ? word.slice(UNDO.length) : word;
  return words.find(name) === undefined ? unknownStep(words, name) : undefined;
}

/** The word by which the story calls a step. */
function wordOf(context: ScenarioContext, node: Node, text: string, fault = unknown): string {
  const undo = text.startsWith(UNDO) ? UNDO : "";
  const found = fault(context.words, text);
  if (found !== undefined) report(context, "definition.unknown-name", node, found.message, found.hint);
  return undo + context.words.of(text.slice(undo.length));
}

function statusOf(context: ScenarioContext, { value }: Field): SagaStatus | undefined {
  const text = textOf(context, value, "`status`");
  const status = STATUSES.find((each) => each === text);
  if (text !== undefined && status === undefined)
    report(context, "definition.unknown-name", value, `there is no status \`${text}\``, suggestOrList(text, STATUSES));
  return status;
}

type ExpectedError = NonNullable<Expected["error"]>["value"];

/** A code, or a map of `code`, `step` and `message`. */
function errorOf(context: ScenarioContext, { value }: Field): ExpectedError | undefined {
  if (isScalar(value)) {
    const code = textOf(context, value, "`error`");
    return code === undefined ? undefined : { code };
  }
  const fields = fieldsOf(context, value, "`error`");
  if (fields === undefined) return undefined;
  checkKeys(context, fields, ["code", "step", "message"]);
  const error: Record<string, string> = {};
  for (const { key, value: node } of fields.values()) {
    const text = textOf(context, node, `\`${key}\``);
    if (text !== undefined) error[key] = key === "step" ? wordOf(context, node, text) : text;
  }
  return error;
}

/** A signal, or a list of them. */
function namesOf(context: ScenarioContext, { value }: Field): readonly string[] {
  const items = isScalar(value) ? [value] : (itemsOf(context, value, "`waiting`") ?? []);
  return items.flatMap((item) => textOf(context, item, "a signal") ?? []);
}

function sentOf(context: ScenarioContext, fields: Fields): Expected["sent"] {
  const field = fields.get("sent");
  if (field === undefined) return undefined;
  return [...(fieldsOf(context, field.value, "`sent`")?.values() ?? [])].map(({ key, keyAt, value }) => {
    const undo = key.startsWith(UNDO) ? UNDO : "";
    const name = key.slice(undo.length);
    if (context.words.find(name) === undefined) {
      const { message, hint } = unknownStep(context.words, name);
      context.findings.error("definition.unknown-name", keyAt, message, hint);
    }
    const fieldsSent: Json = isMap(value) ? jsonOf(value) : {};
    if (!isMap(value))
      report(context, "definition.wrong-type", value, "write the fields that are sent", "Write `field: value` lines.");
    return { step: undo + context.words.of(name), fields: fieldsSent, at: positionOf(context, value) };
  });
}
