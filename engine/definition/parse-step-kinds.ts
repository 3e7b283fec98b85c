import { isMap, isScalar, isSeq, type Node } from "yaml";
import type { Catch, CommandStep, Compensation, FailStep, NotifyStep, Template, WaitStep } from "../core/definition.ts";
import { checkKeys, type Field, type Fields, fieldsOf, NAME, positionOf, report } from "./parse-context.ts";
import { COMPENSATION_ATTEMPTS, retryOf } from "./parse-retry.ts";
import { shapeOf } from "./parse-shape.ts";
import { type StepCommon, type StepContext, stepsOf } from "./parse-steps.ts";
import { templateOf } from "./parse-template.ts";
import { booleanOf, commandOf, durationOf, nameHint, nameOf } from "./parse-values.ts";

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
  requireName(context, common, fields, ["output"]);
  const parts = awaited(context, fields);
  return signal === undefined ? undefined : { kind: "wait", ...common, signal, ...parts };
}

export function failStep(context: StepContext, common: StepCommon, fields: Fields): FailStep | undefined {
  const field = fields.get("fail");
  if (field === undefined) return undefined;
  if (!isMap(field.value)) {
    const code = nameOf(context, field.value, "a code");
    return code === undefined ? undefined : { kind: "fail", ...common, code };
  }
  const inner = fieldsOf(context, field.value, "`fail`") ?? new Map();
  checkKeys(context, inner, ["code", "message"]);
  const code = take(inner, "code", ({ value }) => nameOf(context, value, "a code"));
  if (!inner.has("code"))
    report(context, "definition.missing-key", field.value, "`fail` needs a `code`", "Add code: some_reason.");
  const message = take(inner, "message", ({ value }) => templateOf(context, value));
  return code === undefined
    ? undefined
    : { kind: "fail", ...common, code, ...(message === undefined ? {} : { message }) };
}

/** What a command and a wait have in common: both end with a result. */
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

function catchesOf(context: StepContext, field: Field, step: Fields): readonly Catch[] {
  const entries = [...(fieldsOf(context, field.value, "`catch`")?.values() ?? [])];
  return entries.map(({ key, keyAt, value }) => {
    const problem = catchProblem(key, step);
    if (problem !== undefined) context.findings.error("definition.bad-catch", keyAt, problem.message, problem.hint);
    return context.marks.mark({ code: key, steps: stepsOf(context, value, `\`catch\` of \`${key}\``) }, keyAt);
  });
}

function catchProblem(code: string, step: Fields): { readonly message: string; readonly hint: string } | undefined {
  if (!NAME.test(code)) return { message: `\`${code}\` is no code`, hint: nameHint(code) };
  if (code === "cancelled")
    return { message: "`cancelled` cannot be caught", hint: "A cancelled saga compensates: undo in `compensate`." };
  if (code === "deadline" && !step.has("deadline")) {
    return { message: "this step has no `deadline` to catch", hint: "Add `deadline: 1d` to the step, or remove this." };
  }
  if (step.has("wait") && code !== "deadline" && code !== "any") {
    return { message: `a \`wait\` never ends with \`${code}\``, hint: "A wait can only pass its `deadline`." };
  }
  return undefined;
}

function compensationOf(context: StepContext, field: Field): Compensation | undefined {
  const { value } = field;
  if (isSeq(value)) {
    const hint = "Name one command of the step's own domain.";
    context.findings.error(
      "definition.not-supported",
      field.keyAt,
      "`compensate` as a list is not supported yet",
      hint,
    );
    return undefined;
  }
  const base = { ...context.defaults.retry, attempts: COMPENSATION_ATTEMPTS, then: "park" as const };
  if (!isMap(value)) {
    const command = commandOf(context, value, "`compensate`");
    return command === undefined
      ? undefined
      : context.marks.mark(
          { command, timeoutMs: context.defaults.timeoutMs, retry: base, optional: false },
          positionOf(context, value),
        );
  }
  return compensationMap(context, value, base);
}

function compensationMap(context: StepContext, value: Node, base: Compensation["retry"]): Compensation | undefined {
  const fields = fieldsOf(context, value, "`compensate`") ?? new Map();
  checkKeys(context, fields, ["command", "with", "timeout", "retry", "optional"]);
  if (!fields.has("command"))
    report(context, "definition.missing-key", value, "`compensate` needs a `command`", "Add command: domain.action.");
  const command = take(fields, "command", (field) => commandOf(context, field.value, "`compensate`"));
  const input = take(fields, "with", (field) => templateOf(context, field.value));
  const parts = {
    timeoutMs: timeoutOf(context, fields),
    retry: retryOf(context, fields.get("retry"), base),
    optional: take(fields, "optional", (field) => booleanOf(context, field.value, "`optional`")) ?? false,
    ...(input === undefined ? {} : { with: input }),
  };
  if (command === undefined) return undefined;
  const at = fields.get("command")?.value ?? value;
  return context.marks.mark({ command, ...parts }, positionOf(context, at));
}

function timeoutOf(context: StepContext, fields: Fields): number {
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

function take<T>(fields: Fields, key: string, read: (field: Field) => T | undefined): T | undefined {
  const field = fields.get(key);
  return field === undefined ? undefined : read(field);
}
