import { isScalar, type Node } from "yaml";
import type { EachStep, ParallelBranch, ParallelStep } from "../core/definition.ts";
import { keysOf } from "./language.ts";
import { catchesOf } from "./parse-catch.ts";
import { checkKeys, type Field, type Fields, fieldsOf, NAME, report, requireKey, take } from "./parse-context.ts";
import { type StepCommon, type StepContext, stepsOf } from "./parse-steps.ts";
import { bareExpressionOf } from "./parse-template.ts";
import { durationOf, nameHint, numberOf, variableOf } from "./parse-values.ts";

const EACH_HINT = "Write `each: { in: input.lines, as: line, steps: [ … ] }`, or its keys on lines of their own.";

/** What applies where an `each` says nothing. */
const CONCURRENCY = 10;
const ITEMS = 1000;
/** Above this a transition's work and a page of the API stop being small. */
const ITEMS_MAX = 10_000;

/** Branches by name, and when the block ends. */
export function parallelStep(context: StepContext, common: StepCommon, fields: Fields): ParallelStep | undefined {
  const field = fields.get("parallel");
  const branches = field === undefined ? undefined : branchesOf(context, field);
  const join = take(fields, "join", ({ value }) => joinOf(context, value)) ?? "all";
  const parts = blockParts(context, fields);
  return branches === undefined ? undefined : { kind: "parallel", ...common, branches, join, ...parts };
}

function branchesOf(context: StepContext, field: Field): readonly ParallelBranch[] | undefined {
  const named = "Give each branch a name, with its steps below it: `goods: [ … ]`.";
  const branches = fieldsOf(context, field.value, "`parallel`", named);
  if (branches?.size === 0) {
    const hint = "Write a map from each branch's name to its steps.";
    report(context, "definition.missing-key", field.value, "`parallel` has no branches", hint);
  }
  return (
    branches &&
    [...branches.values()].map(({ key, keyAt, value }) => {
      // Beside the branches the path of a block has the steps of its `catch`.
      const hint = key === "catch" ? "Call the branch something else." : nameHint(key);
      if (!NAME.test(key) || key === "catch")
        context.findings.error("definition.bad-name", keyAt, `\`${key}\` is no name for a branch`, hint);
      return context.marks.mark({ id: key, steps: stepsOf(context, value, `the branch \`${key}\``) }, keyAt);
    })
  );
}

function joinOf(context: StepContext, node: Node): "all" | "any" | undefined {
  const value = isScalar(node) ? node.value : undefined;
  if (value === "all" || value === "any") return value;
  const hint = "Write all (every branch ends) or any (the first that ends well wins).";
  report(context, "definition.wrong-type", node, "`join` must be all or any", hint);
  return undefined;
}

/** Its map: the list, the item's name, the steps and the limits. */
export function eachStep(context: StepContext, common: StepCommon, fields: Fields): EachStep | undefined {
  const field = fields.get("each");
  const inner = field === undefined ? undefined : fieldsOf(context, field.value, "`each`", EACH_HINT);
  if (field === undefined || inner === undefined) return undefined;
  checkKeys(context, inner, keysOf("in each"));
  requireKey(context, inner, "in", field.value, "`each`", "Add in: input.some_list.");
  requireKey(context, inner, "steps", field.value, "`each`", "Add `steps:` with a list of steps.");
  const list = take(inner, "in", ({ value }) => bareExpressionOf(context, value, "`in`"));
  const steps = take(inner, "steps", ({ value }) => stepsOf(context, value, "`steps`"));
  const whole = (key: string, max: number): number | undefined =>
    take(inner, key, ({ value }) => numberOf(context, value, `\`${key}\``, { min: 1, max, whole: true }));
  const parts = {
    as: take(inner, "as", ({ value }) => variableOf(context, value, "an item")) ?? "item",
    concurrency: whole("concurrency", ITEMS_MAX) ?? CONCURRENCY,
    max: whole("max", ITEMS_MAX) ?? ITEMS,
    ...blockParts(context, fields),
  };
  if (list === undefined || steps === undefined) return undefined;
  const step: EachStep = { kind: "each", ...common, in: list, steps, ...parts };
  for (const { key, keyAt } of inner.values()) context.marks.markKey(step, `each.${key}`, keyAt);
  return step;
}

function blockParts(context: StepContext, fields: Fields): Pick<ParallelStep, "deadlineMs" | "catch"> {
  const deadlineMs = take(fields, "deadline", ({ value }) => durationOf(context, value));
  return {
    catch: take(fields, "catch", (field) => catchesOf(context, field, fields)) ?? [],
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
  };
}
