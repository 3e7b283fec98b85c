import type { EachStep, ParallelBranch, ParallelStep, Step } from "../core/definition.ts";
import { blocksOf } from "./blocks.ts";
import { type CheckContext, hasOutput, keepType, keyPosition, type Place, typeOfExpression } from "./check-context.ts";
import { refuseAfterPivot } from "./check-pivot.ts";
import type { Surroundings, Walk } from "./check-steps.ts";
import { type Flow, joined, together, withStep } from "./flow.ts";
import { ANY, couldBe, describeType, NULL, unionOf, type ValueType } from "./value-type.ts";

/** The flow after all branches, or after whichever wins. */
export function checkParallel(
  check: CheckContext,
  step: ParallelStep,
  place: Place,
  around: Surroundings,
  walk: Walk,
): Flow | null {
  if (step.join === "any") refuseAnyAfterPivot(check, step, place.flow);
  const inside: Surroundings = { ...around, outermost: false, inside: "parallel" };
  const ends = step.branches.map((branch) => walk(branch.steps, place.flow, inside));
  refuseSetInTwo(check, step.branches, ends, place.flow);
  return step.join === "all" ? together(ends) : joined(ends);
}

/** The losers of a race are undone, and nothing is undone after the pivot. */
function refuseAnyAfterPivot(check: CheckContext, step: ParallelStep, flow: Flow): void {
  if (step.branches.every((branch) => onlyWaits(branch.steps))) return;
  const at = keyPosition(check, step, "join", step.at);
  const hint = "Write `join: all`, or let the branches only wait, sleep and set.";
  refuseAfterPivot(check, flow, at, "`join: any` over branches that must be undone", hint);
}

function onlyWaits(steps: readonly Step[]): boolean {
  return steps.every((step) => {
    const sound = ["wait", "sleep", "set", "choose", "parallel", "each"].includes(step.kind);
    return sound && blocksOf(step).every(onlyWaits);
  });
}

/** Branches run at the same time: which of two values would stand is chance. */
function refuseSetInTwo(
  check: CheckContext,
  branches: readonly ParallelBranch[],
  ends: readonly (Flow | null)[],
  before: Flow,
): void {
  const writers = new Map<string, string>();
  for (const [index, branch] of branches.entries()) {
    for (const name of ends[index]?.vars.keys() ?? []) {
      const other = writers.get(name);
      if (before.vars.has(name)) continue;
      if (other === undefined) writers.set(name, branch.id);
      else {
        const at = check.marks.of(branch, { line: 1, column: 1 });
        const message = `this branch writes \`vars.${name}\`, and the branch \`${other}\` does too`;
        check.findings.error(
          "definition.set-twice",
          at,
          message,
          "Write it after the block, or give each its own name.",
        );
      }
    }
  }
}

/** Names that expressions have of their own. */
const TAKEN: ReadonlySet<string> = new Set([
  ...["input", "steps", "vars", "saga", "error", "signal", "result", "event", "schedule"],
]);

/** The flow after the items: nothing of the inside but the list of outputs. */
export function checkEach(check: CheckContext, step: EachStep, place: Place, around: Surroundings, walk: Walk): Flow {
  const item = itemType(check, step, typeOfExpression(check, step.in, place));
  if (TAKEN.has(step.as) || Object.hasOwn(around.names, step.as)) {
    const at = keyPosition(check, step, "each.as", step.at);
    const message = `\`${step.as}\` means something else here already`;
    check.findings.error("definition.shadowed-name", at, message, "Call the item something else.");
  }
  const inside: Surroundings = {
    ...around,
    names: { ...around.names, [step.as]: item },
    outermost: false,
    inside: "each",
  };
  const end = walk(step.steps, place.flow, inside);
  const list: ValueType = { kind: "list", item: end === null ? ANY : outputOfItem(check, step.steps, end) };
  keepType(check, step, list);
  return withStep(place.flow, step.name, list);
}

function itemType(check: CheckContext, step: EachStep, list: ValueType): ValueType {
  if (!couldBe(list, "list")) {
    const message = `\`each\` needs a list, \`in\` is ${describeType(list)}`;
    check.findings.error("definition.expression-type", step.in.at, message, "Name a list: input.lines, say.");
  }
  const lists = (list.kind === "union" ? list.of : [list]).filter((each) => each.kind === "list");
  return unionOf(lists.map((each) => each.item));
}

/** That of the last step; null where it has none or did not run. */
function outputOfItem(check: CheckContext, steps: readonly Step[], end: Flow): ValueType {
  const last = steps.at(-1);
  const type = last === undefined ? undefined : check.results.get(last);
  if (last === undefined || type === undefined || !hasOutput(last)) return NULL;
  const sure =
    last.name === undefined
      ? last.if === undefined && last.catch.length === 0
      : end.steps.get(last.name)?.state === "sure";
  return sure ? type : unionOf([type, NULL]);
}
