import { isScalar, isSeq } from "yaml";
import type { CommandStep, NotifyStep, SagaStep, Template, WaitStep } from "../core/definition.ts";
import { catchesOf } from "./parse-catch.ts";
import { compensationOf } from "./parse-compensation.ts";
import { type Fields, report, take } from "./parse-context.ts";
import { retryOf } from "./parse-retry.ts";
import { shapeOf } from "./parse-shape.ts";
import type { StepCommon, StepContext } from "./parse-steps.ts";
import { bareExpressionOf, templateOf } from "./parse-template.ts";
import { booleanOf, commandOf, durationOf, nameOf } from "./parse-values.ts";

export function commandStep(context: StepContext, common: StepCommon, fields: Fields): CommandStep | undefined {
  const command = take(fields, "command", ({ value }) => commandOf(context, value, "`command`"));
  const compensate = take(fields, "compensate", (field) => compensationOf(context, field));
  requireName(context, common, fields, ["output", "compensate"]);
  const step = {
    ...awaited(context, fields),
    timeoutMs: timeoutOf(context, fields),
    retry: retryOf(context, fields.get("retry"), context.defaults.retry),
    pivot: take(fields, "pivot", ({ value }) => booleanOf(context, value, "`pivot`")) ?? false,
    with: withOf(context, fields),
    ...(compensate === undefined ? {} : { compensate }),
  };
  return command === undefined ? undefined : { kind: "command", ...common, command, ...step };
}

export function notifyStep(context: StepContext, common: StepCommon, fields: Fields): NotifyStep | undefined {
  const command = take(fields, "notify", ({ value }) => commandOf(context, value, "`notify`"));
  const timeoutMs = timeoutOf(context, fields);
  const retry = retryOf(context, fields.get("retry"), context.defaults.retry);
  const input = withOf(context, fields);
  return command === undefined ? undefined : { kind: "notify", ...common, command, with: input, timeoutMs, retry };
}

export function waitStep(context: StepContext, common: StepCommon, fields: Fields): WaitStep | undefined {
  const signal = take(fields, "wait", ({ value }) => nameOf(context, value, "a signal"));
  const match = take(fields, "match", ({ value }) => bareExpressionOf(context, value, "`match`"));
  requireName(context, common, fields, ["output"]);
  const parts = { ...(match === undefined ? {} : { match }), ...awaited(context, fields) };
  return signal === undefined ? undefined : { kind: "wait", ...common, signal, ...parts };
}

export function sagaStep(context: StepContext, common: StepCommon, fields: Fields): SagaStep | undefined {
  const saga = take(fields, "saga", ({ value }) => nameOf(context, value, "a saga"));
  const compensate = take(fields, "compensate", (field) => compensationOf(context, field));
  requireName(context, common, fields, ["output", "compensate"]);
  const step = {
    ...awaited(context, fields),
    with: withOf(context, fields),
    ...(compensate === undefined ? {} : { compensate }),
  };
  return saga === undefined ? undefined : { kind: "saga", ...common, saga, ...step };
}

/** What a command, a wait and a child saga have in common: they end with a result. */
function awaited(context: StepContext, fields: Fields): Pick<WaitStep, "returns" | "output" | "deadlineMs" | "catch"> {
  const returns = take(fields, "returns", ({ value }) => shapeOf(context, value));
  const output = take(fields, "output", ({ value }) => templateOf(context, value));
  const deadlineMs = take(fields, "deadline", ({ value }) => durationOf(context, value));
  return {
    catch: take(fields, "catch", (field) => catchesOf(context, field, fields)) ?? [],
    ...(returns === undefined ? {} : { returns }),
    ...(output === undefined ? {} : { output }),
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
  };
}

/** Of the step, or of its compensation. */
export function timeoutOf(context: StepContext, fields: Fields): number {
  return take(fields, "timeout", ({ value }) => durationOf(context, value)) ?? context.defaults.timeoutMs;
}

/** Without `with` the handler gets an empty object. */
function withOf(context: StepContext, fields: Fields): Template {
  const field = fields.get("with");
  if (field === undefined) return { kind: "literal", value: {} };
  const template = templateOf(context, field.value);
  const { value } = field;
  if ((isScalar(value) && template.kind !== "expression") || isSeq(value)) {
    report(
      context,
      "definition.wrong-type",
      value,
      "`with` must be a map or one ${ expression }",
      "Write `key: value` lines below `with:`.",
    );
  }
  return template;
}

function requireName(context: StepContext, common: StepCommon, fields: Fields, keys: readonly string[]): void {
  const key = keys.find((each) => fields.has(each));
  if (key === undefined || fields.has("step")) return;
  const hint = "Add `step: some_name`.";
  context.findings.error("definition.missing-key", common.at, `a step with \`${key}\` needs a name`, hint);
}
