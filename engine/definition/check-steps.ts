import type { Catch, CommandStep, FailStep, NotifyStep, Step, WaitStep } from "../core/definition.ts";
import type { ActionDescription } from "../core/domain.ts";
import { checkChoose } from "./check-choose.ts";
import {
  checkCondition,
  type CheckContext,
  checkTextTemplate,
  ERROR,
  keyPosition,
  type Place,
  provenByExpression,
} from "./check-context.ts";
import { actionOf, checkInheritedInput, checkInput } from "./check-input.ts";
import { checkPivotRules, refuseAfterPivot } from "./check-pivot.ts";
import { outputType } from "./check-result.ts";
import { type Flow, joined, withProven, withStep } from "./flow.ts";
import { ANY, type ValueType } from "./value-type.ts";

/** What a block of steps adds to a place: the names of the `catch` it stands in. */
export interface Surroundings {
  readonly names: Readonly<Record<string, ValueType>>;
  /** The block's last step is the saga's last. */
  readonly outermost: boolean;
}

/** Walks a block in the order it runs. Null: it never ends normally. */
export function checkSteps(check: CheckContext, steps: readonly Step[], flow: Flow, around: Surroundings): Flow | null {
  let at: Flow = flow;
  let ended = false;
  for (const [index, step] of steps.entries()) {
    if (ended) {
      const hint = "Remove it, or give the `fail` before it an `if`.";
      check.findings.error("definition.unreachable-step", step.at, "this step is never reached", hint);
      return null;
    }
    const after = checkStep(check, step, at, { ...around, outermost: around.outermost && index === steps.length - 1 });
    ended = after === null;
    at = after ?? at;
  }
  return ended ? null : at;
}

function checkStep(check: CheckContext, step: Step, flow: Flow, around: Surroundings): Flow | null {
  if (step.if === undefined) return checkKind(check, step, { flow, names: around.names }, around);
  const own = ownStep(step);
  checkCondition(check, step.if, { flow, names: around.names, own }, "`if`");
  const inside = withProven(flow, provenByExpression(step.if, true));
  const after = checkKind(check, step, { flow: inside, names: around.names }, around);
  // The step's own condition holds only inside it; behind it both ways meet.
  const skipped = withProven(flow, provenByExpression(step.if, false));
  return joined([after, skipped]);
}

function checkKind(check: CheckContext, step: Step, place: Place, around: Surroundings): Flow | null {
  const here: Place = { ...place, own: ownStep(step) };
  switch (step.kind) {
    case "command":
      return checkCommand(check, step, here, around);
    case "notify":
      return checkNotify(check, step, here);
    case "wait":
      return checkAwaited(check, step, here, undefined, around);
    case "choose":
      return checkChoose(check, step, here, (steps, flow) => checkSteps(check, steps, flow, around));
    case "fail":
      return checkFail(check, step, here);
    case "parallel":
      for (const branch of step.branches) checkSteps(check, branch.steps, place.flow, { ...around, outermost: false });
      return place.flow;
    case "each": {
      const names = { ...around.names, [step.as]: ANY };
      checkSteps(check, step.steps, place.flow, { ...around, names, outermost: false });
      return place.flow;
    }
    case "saga":
    case "sleep":
    case "set":
      return place.flow;
    case "end":
      return null;
  }
}

function checkCommand(check: CheckContext, step: CommandStep, place: Place, around: Surroundings): Flow | null {
  const commandAt = keyPosition(check, step, "command", step.at);
  const action = actionOf(check, step.command, commandAt);
  checkInput(check, step.with, place, action, commandAt);
  checkPivotRules(check, step, place.flow, action, around.outermost);
  checkCompensation(check, step, place);
  return checkAwaited(check, step, place, action, around);
}

/** The flow after a step that ends with a result, or with one of its `catch` blocks. */
function checkAwaited(
  check: CheckContext,
  step: CommandStep | WaitStep,
  place: Place,
  action: ActionDescription | undefined,
  around: Surroundings,
): Flow | null {
  const type = outputType(check, step, place.flow, action);
  if (step.name !== undefined) check.outputs.set(step.name, type);
  const succeeded = withStep(place.flow, step.name, type);
  const forward: Flow = step.kind === "command" && step.pivot ? { ...succeeded, pivot: "passed" } : succeeded;
  return joined([forward, ...step.catch.map((caught) => checkCatch(check, caught, place.flow, around))]);
}

function checkCatch(check: CheckContext, caught: Catch, flow: Flow, around: Surroundings): Flow | null {
  return checkSteps(check, caught.steps, flow, {
    ...around,
    names: { ...around.names, error: ERROR },
    outermost: false,
  });
}

function checkNotify(check: CheckContext, step: NotifyStep, place: Place): Flow {
  const at = keyPosition(check, step, "notify", step.at);
  checkInput(check, step.with, place, actionOf(check, step.command, at), at);
  return place.flow;
}

function checkFail(check: CheckContext, step: FailStep, place: Place): null {
  refuseAfterPivot(check, place.flow, keyPosition(check, step, "fail", step.at), "`fail`");
  if (step.message !== undefined)
    checkTextTemplate(check, step.message, place, keyPosition(check, step, "fail", step.at));
  return null;
}

function checkCompensation(check: CheckContext, step: CommandStep, place: Place): void {
  const { compensate } = step;
  if (compensate === undefined || compensate.kind === "steps") return;
  const at = check.marks.of(compensate, step.at);
  const [domain] = step.command.split(".");
  if (compensate.command.split(".")[0] !== domain) {
    const message = `\`${compensate.command}\` belongs to another domain than \`${step.command}\``;
    const hint = `Only the domain \`${domain}\` can undo its own step.`;
    check.findings.error("definition.compensate-domain", at, message, hint);
    return;
  }
  const action = actionOf(check, compensate.command, at);
  if (compensate.with === undefined) checkInheritedInput(check, step.with, place, action, at);
  else checkInput(check, compensate.with, { flow: place.flow, own: ownCompensation(step.name) }, action, at);
}

function ownStep(step: Step): NonNullable<Place["own"]> {
  const message = `the step \`${step.name}\` has not run here: this is its own`;
  return { name: step.name, code: "definition.step-not-run", message, hint: "Read a step that ran before it." };
}

function ownCompensation(name: string | undefined): NonNullable<Place["own"]> {
  return {
    name,
    code: "definition.compensate-reads-own-output",
    message: `a compensation cannot read the output of its own step \`${name}\`: nobody may have seen it`,
    hint: "The handler gets it, if known, as context.compensates.output.",
  };
}
