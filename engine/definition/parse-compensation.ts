import { isMap, isSeq, type Node } from "yaml";
import type { CommandCompensation, Compensation, Retry, StepsCompensation } from "../core/definition.ts";
import { keysOf } from "./language.ts";
import { checkKeys, type Field, type Fields, fieldsOf, positionOf, report, take } from "./parse-context.ts";
import { COMPENSATION_ATTEMPTS, retryOf } from "./parse-retry.ts";
import { timeoutOf } from "./parse-step-kinds.ts";
import { type StepContext, stepsOf } from "./parse-steps.ts";
import { templateOf } from "./parse-template.ts";
import { booleanOf, commandOf } from "./parse-values.ts";

/** `compensate`: a command, a map with a command or with steps, or a list of steps. */
export function compensationOf(context: StepContext, field: Field): Compensation | undefined {
  const { value } = field;
  const base = { ...context.defaults.retry, attempts: COMPENSATION_ATTEMPTS, then: "park" as const };
  if (isSeq(value)) return listOf(context, value, base, false);
  if (isMap(value)) return compensationMap(context, value, base);
  const command = commandOf(context, value, "`compensate`", "Name a command, domain.action, or write a list of steps.");
  if (command === undefined) return undefined;
  const parts = { timeoutMs: context.defaults.timeoutMs, retry: base, optional: false };
  return context.marks.mark<Compensation>({ kind: "command", command, ...parts }, positionOf(context, value));
}

function compensationMap(context: StepContext, value: Node, base: Retry): Compensation | undefined {
  const fields = fieldsOf(context, value, "`compensate`") ?? new Map();
  const optional = take(fields, "optional", (field) => booleanOf(context, field.value, "`optional`")) ?? false;
  const steps = fields.get("steps");
  checkKeys(context, fields, keysOf("in compensate"));
  if (steps !== undefined) {
    refuseBeside(context, fields);
    return listOf(context, steps.value, base, optional);
  }
  if (!fields.has("command"))
    report(
      context,
      "definition.missing-key",
      value,
      "`compensate` needs a `command`",
      "Add command: domain.action, or `steps:` with a list.",
    );
  return commandMap(context, fields, value, base, optional);
}

/** A list of steps has its inputs and its retries in its steps. */
function refuseBeside(context: StepContext, fields: Fields): void {
  for (const key of ["command", "with", "timeout", "retry"]) {
    const field = fields.get(key);
    if (field === undefined) continue;
    const message = `a \`compensate\` with \`steps\` cannot have \`${key}\``;
    context.findings.error("definition.misplaced-key", field.keyAt, message, "Write it on the steps.");
  }
}

function commandMap(
  context: StepContext,
  fields: Fields,
  value: Node,
  base: Retry,
  optional: boolean,
): CommandCompensation | undefined {
  const command = take(fields, "command", (field) => commandOf(context, field.value, "`compensate`"));
  const input = take(fields, "with", (field) => templateOf(context, field.value));
  const parts = {
    timeoutMs: timeoutOf(context, fields),
    retry: retryOf(context, fields.get("retry"), base),
    optional,
    ...(input === undefined ? {} : { with: input }),
  };
  if (command === undefined) return undefined;
  const at = fields.get("command")?.value ?? value;
  return context.marks.mark<CommandCompensation>({ kind: "command", command, ...parts }, positionOf(context, at));
}

/** Its steps are retried as a compensation is, also where `defaults` say less. */
function listOf(context: StepContext, node: Node, retry: Retry, optional: boolean): StepsCompensation {
  const inside: StepContext = { ...context, defaults: { ...context.defaults, retry } };
  const steps = stepsOf(inside, node, "`compensate`");
  return context.marks.mark<StepsCompensation>({ kind: "steps", steps, optional }, positionOf(context, node));
}
