import type { Catch, Position } from "../core/definition.ts";
import { type Field, type Fields, fieldsOf, NAME } from "./parse-context.ts";
import { type StepContext, stepsOf } from "./parse-steps.ts";
import { nameHint } from "./parse-values.ts";
import { nearest } from "./suggest.ts";

/** `catch` of a step whose keys are `step`: error code → the steps that replace it. */
export function catchesOf(context: StepContext, field: Field, step: Fields): readonly Catch[] {
  const entries = [
    ...(fieldsOf(context, field.value, "`catch`", "Write a code and its steps: `rejected: []`.")?.values() ?? []),
  ];
  return entries.map(({ key, keyAt, value }) => {
    const problem = catchProblem(key, step);
    if (problem !== undefined) context.findings.error("definition.bad-catch", keyAt, problem.message, problem.hint);
    else warnOfNearMiss(context, key, keyAt);
    return context.marks.mark({ code: key, steps: stepsOf(context, value, `\`catch\` of \`${key}\``) }, keyAt);
  });
}

/** Any word may be a participant's own code, so that a misspelt class would catch nothing, without a word. */
function warnOfNearMiss(context: StepContext, code: string, at: Position): void {
  const meant = CLASSES.includes(code) ? undefined : nearest(code.replaceAll("_", ""), CLASSES);
  if (meant === undefined) return;
  const message = `\`${code}\` is taken for a participant's own code`;
  context.findings.warning("definition.bad-catch", at, message, `Did you mean \`${meant}\`?`);
}

const CLASSES: readonly string[] = ["timeout", "deadline", "rejected", "failed"];

function catchProblem(code: string, step: Fields): { readonly message: string; readonly hint: string } | undefined {
  if (!NAME.test(code)) return { message: `\`${code}\` is no code`, hint: nameHint(code) };
  if (code === "cancelled") return { message: "`cancelled` cannot be caught", hint: cancelledHint(step) };
  // What stands inside a block, and a child saga, may end with a deadline of their own.
  const own = !["parallel", "each", "saga"].some((kind) => step.has(kind));
  if (code === "deadline" && own && !step.has("deadline")) {
    return { message: "this step has no `deadline` to catch", hint: "Add `deadline: 1d` to the step, or remove this." };
  }
  if (step.has("wait") && code !== "deadline" && code !== "any") {
    return { message: `a \`wait\` never ends with \`${code}\``, hint: "A wait can only pass its `deadline`." };
  }
  return undefined;
}

function cancelledHint(step: Fields): string {
  return step.has("saga")
    ? "A child that was cancelled is a rejection: catch `rejected`."
    : "A cancelled saga compensates: undo in `compensate`.";
}
