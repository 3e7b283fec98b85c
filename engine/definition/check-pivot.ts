import type { Catch, CommandStep, Position, Step } from "../core/definition.ts";
import type { ActionDescription } from "../core/domain.ts";
import type { CheckContext } from "./check-context.ts";
import { keyPosition } from "./check-context.ts";
import type { Surroundings } from "./check-steps.ts";
import type { Flow } from "./flow.ts";

/** The rules around a pivot: what may stand before, on and after it. `flow` is the one that leads to the step. */
export function checkPivotRules(
  check: CheckContext,
  step: CommandStep,
  flow: Flow,
  action: ActionDescription | undefined,
  around: Pick<Surroundings, "outermost" | "inside">,
): void {
  if (step.pivot) checkPivot(check, step, flow, action, around.inside);
  // How steps of a compensation may be is said where it is checked.
  else if (around.inside === "compensate") return;
  else if (step.compensate !== undefined)
    refuseAfterPivot(check, flow, keyPosition(check, step, "compensate", step.at), "`compensate`");
  else if (flow.pivot === "before" && !around.outermost) {
    const message = `\`${step.command}\` is not undone when a later step fails: it has no \`compensate\``;
    const hint = "Add `compensate`, or make it the pivot. Without one the saga lists it in `uncompensated`.";
    check.findings.warning("definition.no-compensate", step.at, message, hint);
  }
}

/** Nothing goes backward after a pivot, so nothing may ask for it. */
export function refuseAfterPivot(
  check: CheckContext,
  flow: Flow,
  at: Position,
  what: string,
  hint = "Move it before the pivot, or handle the case with `catch`.",
): void {
  if (flow.pivot === "before") return;
  const message = `${what} cannot stand after the pivot: from there on a saga only goes forward`;
  check.findings.error("definition.after-pivot", at, message, hint);
}

function checkPivot(
  check: CheckContext,
  step: CommandStep,
  flow: Flow,
  action: ActionDescription | undefined,
  inside: Surroundings["inside"],
): void {
  const at = keyPosition(check, step, "pivot", step.at);
  if (inside === "parallel" || inside === "each") {
    const message = `a pivot cannot stand inside \`${inside}\`: what runs beside it may still fail`;
    check.findings.error("definition.pivot-in-block", at, message, "Put it before or after the block.");
  }
  if (flow.pivot !== "before") {
    const hint = "Keep one: the step after which the saga must succeed.";
    check.findings.error("definition.two-pivots", at, "there is a pivot before this one already", hint);
  }
  if (step.compensate !== undefined) {
    const compensateAt = keyPosition(check, step, "compensate", at);
    check.findings.error(
      "definition.after-pivot",
      compensateAt,
      "a pivot is never taken back: it cannot have `compensate`",
      "Remove one of `pivot` and `compensate`.",
    );
  }
  for (const caught of step.catch) checkPivotCatch(check, step, caught, action);
  if (action?.external === true && step.retry.then === "compensate") {
    const retryAt = keyPosition(check, step, "retry", at);
    const message = "an external pivot that nobody saw end may have happened: `then: compensate` would undo around it";
    check.findings.error("definition.external-pivot", retryAt, message, "Write `then: park`.");
  }
}

const UNKNOWN_CODES: ReadonlySet<string> = new Set(["timeout", "deadline", "failed", "any"]);

function checkPivotCatch(
  check: CheckContext,
  step: CommandStep,
  caught: Catch,
  action: ActionDescription | undefined,
): void {
  const at = check.marks.of(caught, step.at);
  if (action?.external === true && UNKNOWN_CODES.has(caught.code)) {
    const message = `\`${caught.code}\` of an external pivot cannot be caught: the call may have happened`;
    check.findings.error("definition.external-pivot", at, message, "Catch `rejected` or a code of the participant.");
  }
  if (!endsForGood(caught.steps)) {
    const message = "a `catch` on a pivot must end in `fail` or `end`: without the pivot nothing can go on";
    check.findings.error("definition.pivot-catch", at, message, "Add `- fail: some_code` as its last step.");
  }
}

/** True when no path through the steps ends normally. */
function endsForGood(steps: readonly Step[]): boolean {
  return steps.some((step) => {
    if (step.if !== undefined) return false;
    if (step.kind === "fail" || step.kind === "end") return true;
    const branches = step.kind === "choose" || step.kind === "parallel" ? step.branches : [];
    // A branch that fails is the failure of all, unless another may win.
    if (step.kind === "parallel" && step.join === "all") return branches.some((branch) => endsForGood(branch.steps));
    const all = [
      ...branches.map((branch) => branch.steps),
      ...(step.kind === "choose" && step.else ? [step.else] : []),
    ];
    return all.length > 0 && all.every(endsForGood);
  });
}
