import type { ChooseStep } from "../core/definition.ts";
import type { Json } from "../core/json.ts";
import {
  checkCondition,
  type CheckContext,
  type Place,
  provenByExpression,
  typeOfExpression,
} from "./check-context.ts";
import { refuseAfterPivot } from "./check-pivot.ts";
import { type Flow, joined, withProven } from "./flow.ts";
import { suggestOrList } from "./suggest.ts";
import { couldBe, describeType, disjoint, typeOfJson, type ValueType } from "./value-type.ts";

/** Walks the branches of a `choose`. Null: no branch ends normally. */
export function checkChoose(
  check: CheckContext,
  step: ChooseStep,
  place: Place,
  walk: (steps: ChooseStep["branches"][number]["steps"], flow: Flow) => Flow | null,
): Flow | null {
  const covered =
    step.subject === undefined ? false : checkCases(check, step, typeOfExpression(check, step.subject, place));
  if (step.else === undefined && !covered) {
    // No match is a failure of the business, as a `fail` is.
    refuseAfterPivot(
      check,
      place.flow,
      step.at,
      "a `choose` that may match nothing",
      "Add `else: []` or an `else` that handles it.",
    );
  }
  let flow = place.flow;
  const paths = step.branches.map((branch) => {
    if (branch.when === undefined) return walk(branch.steps, flow);
    checkCondition(check, branch.when, { ...place, flow }, "`when`");
    const taken = walk(branch.steps, withProven(flow, provenByExpression(branch.when, true)));
    // Later branches are reached only when this condition was false.
    flow = withProven(flow, provenByExpression(branch.when, false));
    return taken;
  });
  return joined([...paths, step.else === undefined ? null : walk(step.else, flow)]);
}

/** Compares the cases with the values that the subject can have. True when they cover all of them. */
function checkCases(check: CheckContext, step: ChooseStep, subject: ValueType): boolean {
  const at = step.subject?.at ?? step.at;
  if (!couldBe(subject, "string", "number", "boolean", "null")) {
    const hint = "Choose over a text, a number or a boolean.";
    check.findings.error("definition.expression-type", at, `${describeType(subject)} has no cases`, hint);
    return false;
  }
  const possible = valuesOf(subject);
  for (const branch of step.branches) {
    const value = branch.equals ?? null;
    if (!disjoint(typeOfJson(value), subject) && (possible === undefined || possible.includes(value))) continue;
    const hint = impossibleHint(value, subject, possible);
    check.findings.error(
      "definition.case-impossible",
      check.marks.of(branch, step.at),
      `the case \`${String(value)}\` can never be`,
      hint,
    );
  }
  const missing = (possible ?? []).filter((value) => !step.branches.some((branch) => branch.equals === value));
  if (missing.length > 0 && step.else === undefined) {
    const names = missing.map((value) => `\`${String(value)}\``).join(", ");
    const message = missing.length === 1 ? `the case ${names} is missing` : `the cases ${names} are missing`;
    check.findings.error(
      "definition.case-missing",
      at,
      message,
      `Add \`${String(missing[0])}: []\` if nothing is to be done, or \`else:\`.`,
    );
  }
  return possible !== undefined && missing.length === 0;
}

function impossibleHint(value: Json, subject: ValueType, possible: readonly Json[] | undefined): string {
  if (couldBe(subject, "boolean") && (value === "true" || value === "false")) return `Write ${value} without quotes.`;
  return possible === undefined
    ? `The value is ${describeType(subject)}.`
    : suggestOrList(String(value), possible.map(String));
}

/** The finite list of values, or undefined when there is none. */
function valuesOf(type: ValueType): readonly Json[] | undefined {
  if (type.kind === "boolean") return [true, false];
  if (type.kind === "null") return [null];
  if (type.kind === "string") return type.values;
  if (type.kind !== "union") return undefined;
  const lists = type.of.map(valuesOf);
  return lists.every((list) => list !== undefined) ? lists.flat() : undefined;
}
