import { isMap } from "yaml";
import type { EndStep, FailStep, SetStep, SleepStep, Template } from "../core/definition.ts";
import { keysOf } from "./language.ts";
import { checkKeys, type Fields, fieldsOf, report, requireKey, take, VARIABLE } from "./parse-context.ts";
import type { StepCommon, StepContext } from "./parse-steps.ts";
import { templateOf } from "./parse-template.ts";
import { durationOf, nameOf, reportVariable } from "./parse-values.ts";

export function failStep(context: StepContext, common: StepCommon, fields: Fields): FailStep | undefined {
  const field = fields.get("fail");
  if (field === undefined) return undefined;
  if (!isMap(field.value)) {
    const code = nameOf(context, field.value, "a code");
    return code === undefined ? undefined : { kind: "fail", ...common, code };
  }
  const inner = fieldsOf(context, field.value, "`fail`") ?? new Map();
  checkKeys(context, inner, keysOf("in fail"));
  const code = take(inner, "code", ({ value }) => nameOf(context, value, "a code"));
  requireKey(context, inner, "code", field.value, "`fail`", "Add code: some_reason.");
  const message = take(inner, "message", ({ value }) => templateOf(context, value));
  return code === undefined
    ? undefined
    : { kind: "fail", ...common, code, ...(message === undefined ? {} : { message }) };
}

/** The author's word for how the saga ended, or a map with it and the saga's output. */
export function endStep(context: StepContext, common: StepCommon, fields: Fields): EndStep | undefined {
  const field = fields.get("end");
  if (field === undefined) return undefined;
  if (!isMap(field.value)) {
    const outcome = nameOf(context, field.value, "an outcome");
    return outcome === undefined ? undefined : { kind: "end", ...common, outcome };
  }
  const inner = fieldsOf(context, field.value, "`end`") ?? new Map();
  checkKeys(context, inner, keysOf("in end"));
  requireKey(context, inner, "outcome", field.value, "`end`", "Add outcome: some_word.");
  const outcome = take(inner, "outcome", ({ value }) => nameOf(context, value, "an outcome"));
  const output = take(inner, "output", ({ value }) => templateOf(context, value));
  if (outcome === undefined) return undefined;
  return { kind: "end", ...common, outcome, ...(output === undefined ? {} : { output }) };
}

/** A duration, or `{ until }` with a date. */
export function sleepStep(context: StepContext, common: StepCommon, fields: Fields): SleepStep | undefined {
  const field = fields.get("sleep");
  if (field === undefined) return undefined;
  if (!isMap(field.value)) {
    const forMs = durationOf(context, field.value, " Until a date: `sleep: { until: … }`.");
    return forMs === undefined ? undefined : { kind: "sleep", ...common, forMs };
  }
  const inner = fieldsOf(context, field.value, "`sleep`") ?? new Map();
  checkKeys(context, inner, keysOf("in sleep"));
  requireKey(context, inner, "until", field.value, "`sleep`", "Add until: ${ input.dueAt }.");
  const until = take(inner, "until", ({ value }) => templateOf(context, value));
  return until === undefined ? undefined : { kind: "sleep", ...common, until };
}

/** Names and their values. */
export function setStep(context: StepContext, common: StepCommon, fields: Fields): SetStep | undefined {
  const field = fields.get("set");
  const entries = field === undefined ? undefined : fieldsOf(context, field.value, "`set`", SET_HINT);
  if (field === undefined || entries === undefined) return undefined;
  if (entries.size === 0) report(context, "definition.missing-key", field.value, "`set` sets nothing", SET_HINT);
  const values: Record<string, Template> = {};
  const step: SetStep = { kind: "set", ...common, values };
  for (const { key, keyAt, value } of entries.values()) {
    if (!VARIABLE.test(key)) reportVariable(context, key, keyAt, "a value");
    values[key] = templateOf(context, value);
    context.marks.markKey(values, key, keyAt);
  }
  return step;
}

const SET_HINT = "Write `set: { total: ${ … } }`.";
