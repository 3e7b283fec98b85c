import type { Catch } from "../core/definition.ts";
import { type Field, type Fields, fieldsOf, NAME } from "./parse-context.ts";
import { type StepContext, stepsOf } from "./parse-steps.ts";
import { nameHint } from "./parse-values.ts";

/** `catch` of a step whose keys are `step`: error code → the steps that replace it. */
export function catchesOf(context: StepContext, field: Field, step: Fields): readonly Catch[] {
  const entries = [...(fieldsOf(context, field.value, "`catch`")?.values() ?? [])];
  return entries.map(({ key, keyAt, value }) => {
    const problem = catchProblem(key, step);
    if (problem !== undefined) context.findings.error("definition.bad-catch", keyAt, problem.message, problem.hint);
    return context.marks.mark({ code: key, steps: stepsOf(context, value, `\`catch\` of \`${key}\``) }, keyAt);
  });
}

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
