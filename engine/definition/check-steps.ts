import type { Catch, CommandStep, FailStep, NotifyStep, SagaStep, Step, WaitStep } from "../core/definition.ts";
import { checkEach, checkParallel } from "./check-blocks.ts";
import { checkChild } from "./check-child.ts";
import { checkChoose } from "./check-choose.ts";
import { checkCompensation } from "./check-compensation.ts";
import {
  checkCondition,
  type CheckContext,
  checkTextTemplate,
  ERROR,
  keepType,
  keyPosition,
  type Place,
  provenByExpression,
} from "./check-context.ts";
import { actionOf, answerType, checkInput, handlerOf } from "./check-input.ts";
import { checkPivotRules, refuseAfterPivot } from "./check-pivot.ts";
import { checkEnd, checkSet, checkSleep } from "./check-plain-kinds.ts";
import { outputType } from "./check-result.ts";
import { type Flow, joined, withProven, withStep } from "./flow.ts";
import { ANY, typeOfShape, type ValueType } from "./value-type.ts";

/** What a block of steps adds to a place: the names of the `catch` it stands in. */
export interface Surroundings {
  readonly names: Readonly<Record<string, ValueType>>;
  /** The block's last step is the saga's last. */
  readonly outermost: boolean;
  /** The nearest block in which not everything may stand. */
  readonly inside?: "parallel" | "each" | "compensate";
  /** The step whose output nothing here can read. */
  readonly own?: NonNullable<Place["own"]>;
}

/** Walks a block inside a step. */
export type Walk = (steps: readonly Step[], flow: Flow, around: Surroundings) => Flow | null;

/** Walks a block in the order it runs. Null: it never ends normally. */
export function checkSteps(check: CheckContext, steps: readonly Step[], flow: Flow, around: Surroundings): Flow | null {
  let at: Flow = flow;
  let ended = false;
  for (const [index, step] of steps.entries()) {
    if (ended) {
      const last = steps[index - 1]?.kind === "end" ? "end" : "fail";
      const hint = `Remove it, or give the \`${last}\` before it an \`if\`.`;
      check.findings.error("definition.unreachable-step", step.at, "this step is never reached", hint);
      return null;
    }
    const next = steps[index + 1];
    const outermost = next === undefined ? around.outermost : next.kind === "end" && next.if === undefined;
    const after = checkStep(check, step, at, { ...around, outermost });
    ended = after === null;
    at = after ?? at;
  }
  return ended ? null : at;
}

function checkStep(check: CheckContext, step: Step, flow: Flow, around: Surroundings): Flow | null {
  if (step.if === undefined) return checkKind(check, step, { flow, names: around.names }, around);
  const own = around.own ?? ownStep(step);
  checkCondition(check, step.if, { flow, names: around.names, own }, "`if`");
  const inside = withProven(flow, provenByExpression(step.if, true));
  const after = checkKind(check, step, { flow: inside, names: around.names }, around);
  // The step's own condition holds only inside it; behind it both ways meet.
  const skipped = withProven(flow, provenByExpression(step.if, false));
  return joined([after, skipped]);
}

function checkKind(check: CheckContext, step: Step, place: Place, around: Surroundings): Flow | null {
  const here: Place = { ...place, own: around.own ?? ownStep(step) };
  const walk: Walk = (steps, flow, inside) => checkSteps(check, steps, flow, inside);
  switch (step.kind) {
    case "command":
      return checkCommand(check, step, here, around);
    case "notify":
      return checkNotify(check, step, here);
    case "wait":
      return checkWait(check, step, here, around);
    case "choose":
      return checkChoose(check, step, here, (steps, flow) => checkSteps(check, steps, flow, around));
    case "fail":
      return checkFail(check, step, here);
    case "parallel":
      return caught(check, step, place.flow, checkParallel(check, step, here, around, walk), around);
    case "each":
      return caught(check, step, place.flow, checkEach(check, step, here, around, walk), around);
    case "saga":
      return checkChildStep(check, step, here, around, walk);
    case "sleep":
      return checkSleep(check, step, here);
    case "set":
      return checkSet(check, step, here, around);
    case "end":
      return checkEnd(check, step, here, around);
  }
}

function checkCommand(check: CheckContext, step: CommandStep, place: Place, around: Surroundings): Flow | null {
  const commandAt = keyPosition(check, step, "command", step.at);
  const action = actionOf(check, step.command, commandAt);
  checkInput(check, step.with, place, handlerOf(action), commandAt);
  checkPivotRules(check, step, place.flow, action, around);
  const after = checkAwaited(check, step, place, answerType(action), around);
  checkCompensation(check, step, place, around, (steps, flow, inside) => checkSteps(check, steps, flow, inside));
  return after;
}

function checkChildStep(
  check: CheckContext,
  step: SagaStep,
  place: Place,
  around: Surroundings,
  walk: Walk,
): Flow | null {
  const after = checkAwaited(check, step, place, checkChild(check, step, place), around);
  checkCompensation(check, step, place, around, walk);
  return after;
}

function checkWait(check: CheckContext, step: WaitStep, place: Place, around: Surroundings): Flow | null {
  if (step.match !== undefined) {
    const signal = step.returns === undefined ? ANY : typeOfShape(step.returns);
    checkCondition(check, step.match, { ...place, names: { ...place.names, signal } }, "`match`");
  }
  return checkAwaited(check, step, place, undefined, around);
}

/** The flow after a step that ends with a result, or with one of its `catch` blocks. */
function checkAwaited(
  check: CheckContext,
  step: CommandStep | WaitStep | SagaStep,
  place: Place,
  answered: ValueType | undefined,
  around: Surroundings,
): Flow | null {
  const type = outputType(check, step, place, answered);
  keepType(check, step, type);
  const succeeded = withStep(place.flow, step.name, type);
  const forward: Flow = step.kind === "command" && step.pivot ? { ...succeeded, pivot: "passed" } : succeeded;
  return caught(check, step, place.flow, forward, around);
}

/** The flow after a step that ended as it should, or with one of its `catch` blocks. */
function caught(
  check: CheckContext,
  step: { readonly catch: readonly Catch[] },
  before: Flow,
  after: Flow | null,
  around: Surroundings,
): Flow | null {
  return joined([after, ...step.catch.map((each) => checkCatch(check, each, before, around))]);
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
  checkInput(check, step.with, place, handlerOf(actionOf(check, step.command, at)), at);
  return place.flow;
}

function checkFail(check: CheckContext, step: FailStep, place: Place): null {
  refuseAfterPivot(check, place.flow, keyPosition(check, step, "fail", step.at), "`fail`");
  if (step.message !== undefined)
    checkTextTemplate(check, step.message, place, keyPosition(check, step, "fail", step.at));
  return null;
}

function ownStep(step: Step): NonNullable<Place["own"]> {
  const message = `the step \`${step.name}\` has not run here: this is its own`;
  return { name: step.name, code: "definition.step-not-run", message, hint: "Read a step that ran before it." };
}
