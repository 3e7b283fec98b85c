import { isMap, isScalar, isSeq, type Node } from "yaml";

import type { Definition } from "../core/definition.ts";
import type { DomainCatalog } from "../core/domain.ts";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import { startViolations } from "../definition/start-violations.ts";
import {
  checkKeys,
  type Field,
  type Fields,
  fieldsOf,
  itemsOf,
  type ParseContext,
  report,
} from "../definition/parse-context.ts";
import { durationOf, textOf } from "../definition/parse-values.ts";
import { outcomeFault, said, signalFault } from "../simulate/check-plan.ts";
import { OUTCOME_HINT, outcomesOf, succeededWith } from "../simulate/outcome-notation.ts";
import { type Outcome, type PlannedSignal, timeMs } from "../simulate/plan.ts";
import type { StepWords } from "../simulate/step-words.ts";

/** What every part of a scenario file is read against. */
export interface ScenarioContext extends ParseContext {
  readonly definition: Definition;
  readonly catalog: DomainCatalog;
  readonly words: StepWords;
  /** The JSON of a file beside the scenarios, or why there is none. */
  readJson(path: string): { readonly value: Json } | { readonly problem: string };
}

/** The value of a node, as JSON. */
export function jsonOf(node: Node): Json {
  return node.toJSON() as Json;
}

/** `given`: outcomes by step. */
export function outcomesAt(
  context: ScenarioContext,
  field: Field | undefined,
): Readonly<Record<string, readonly Outcome[]>> {
  const outcomes: Record<string, readonly Outcome[]> = {};
  if (field === undefined) return outcomes;
  for (const { key, keyAt, value } of fieldsOf(context, field.value, "`given`")?.values() ?? []) {
    const read = isSeq(value)
      ? (value.items as Node[]).flatMap((item) => outcomeOf(context, item))
      : outcomeOf(context, value);
    const fault = read.length === 0 ? undefined : outcomeFault(context.words, context.catalog, key, read);
    if (fault !== undefined) context.findings.error("definition.unknown-name", keyAt, fault.message, fault.hint);
    outcomes[key] = read;
  }
  return outcomes;
}

/** Text in the notation of outcomes, or a map: fields of the output. */
function outcomeOf(context: ScenarioContext, node: Node): readonly Outcome[] {
  if (isMap(node)) return [succeededWith(jsonOf(node))];
  const text = isScalar(node) && typeof node.value === "string" ? node.value : undefined;
  const outcomes = text === undefined ? undefined : outcomesOf(text);
  if (outcomes !== undefined) return outcomes;
  const written = text === undefined ? "this" : `\`${text}\``;
  const hint = `${OUTCOME_HINT} Or a map: fields of the output.`;
  report(context, "definition.wrong-type", node, `${written} is no outcome`, hint);
  return [];
}

/** `signals`: names, or maps of `signal`, `payload` and `at`. */
export function signalsAt(context: ScenarioContext, field: Field | undefined): readonly PlannedSignal[] {
  if (field === undefined) return [];
  return (itemsOf(context, field.value, "`signals`") ?? []).flatMap((item) => signalOf(context, item));
}

function signalOf(context: ScenarioContext, node: Node): readonly PlannedSignal[] {
  if (isScalar(node)) {
    const signal = textOf(context, node, "a signal");
    return signal === undefined ? [] : soundSignal(context, node, { signal });
  }
  const fields = fieldsOf(context, node, "a signal");
  if (fields === undefined) return [];
  checkKeys(context, fields, ["signal", "payload", "at"]);
  const name = fields.get("signal");
  if (name === undefined) {
    report(context, "definition.missing-key", node, "a signal needs its name", "Write `signal: its_name`.");
    return [];
  }
  const signal = textOf(context, name.value, "a signal");
  const payload = fields.get("payload");
  const atMs = timeAt(context, fields.get("at"));
  if (signal === undefined) return [];
  return soundSignal(context, (payload ?? name).value, {
    signal,
    ...(payload === undefined ? {} : { payload: jsonOf(payload.value) }),
    ...(atMs === undefined ? {} : { atMs }),
  });
}

function soundSignal(context: ScenarioContext, node: Node, signal: PlannedSignal): readonly PlannedSignal[] {
  const fault = signalFault(context.words, signal.signal, signal.payload);
  if (fault !== undefined) report(context, "definition.unknown-name", node, fault.message, fault.hint);
  return [signal];
}

/** A time after the start: `0s`, `3d`, `1m 30s`. */
export function timeAt(context: ScenarioContext, field: Field | undefined): number | undefined {
  if (field === undefined) return undefined;
  const { value } = field;
  const ms = isScalar(value) && typeof value.value === "string" ? timeMs(value.value) : undefined;
  return ms ?? durationOf(context, value);
}

/** `start`: a date. */
export function dateAt(context: ScenarioContext, field: Field | undefined): string | undefined {
  if (field === undefined) return undefined;
  const text = textOf(context, field.value, "`start`");
  if (text === undefined || !Number.isNaN(Date.parse(text))) return text;
  const hint = "Write 2026-03-01 or 2026-03-01T09:00:00Z.";
  report(context, "definition.wrong-type", field.value, `\`${text}\` is no date`, hint);
  return undefined;
}

/** `input`: a map, or the name of a JSON file beside the scenarios. */
export function inputAt(context: ScenarioContext, field: Field | undefined): JsonObject | undefined {
  if (field === undefined) return undefined;
  const { value } = field;
  if (isMap(value)) return jsonOf(value) as JsonObject;
  const path = textOf(context, value, "`input`");
  if (path === undefined) return undefined;
  const read = context.readJson(path);
  const problem = "problem" in read ? read.problem : isJsonObject(read.value) ? undefined : "it holds no object";
  if (problem === undefined) return (read as { value: JsonObject }).value;
  report(context, "definition.wrong-type", value, `${path}: ${problem}`, "Write the input here, or name a JSON file.");
  return undefined;
}

/** `change`: dotted paths into the input, each with its new value. */
export function changed(context: ScenarioContext, input: JsonObject, field: Field | undefined): JsonObject {
  let whole = input;
  const fields: Fields = field === undefined ? new Map() : (fieldsOf(context, field.value, "`change`") ?? new Map());
  for (const { key, value } of fields.values()) whole = replaced(whole, key.split("."), jsonOf(value));
  return whole;
}

function replaced(object: JsonObject, [name = "", ...rest]: readonly string[], value: Json): JsonObject {
  const inner = Object.hasOwn(object, name) ? object[name] : undefined;
  return { ...object, [name]: rest.length === 0 ? value : replaced(isJsonObject(inner) ? inner : {}, rest, value) };
}

/** A saga that would not start has no scenario. */
export function demandStartable(context: ScenarioContext, input: JsonObject, node: Node): void {
  for (const problem of startViolations(context.definition, input, context.catalog)) {
    const hint = "A saga is not started with such an input: HTTP 422.";
    report(context, "definition.input-type", node, `the input: ${said(problem)}`, hint);
  }
}
