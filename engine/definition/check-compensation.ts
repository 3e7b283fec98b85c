import type { CommandStep, Position, SagaStep, Step, StepsCompensation } from "../core/definition.ts";
import type { ActionDescription } from "../core/domain.ts";
import { type CheckContext, keyPosition, type Place } from "./check-context.ts";
import { actionOf, checkInheritedInput, checkInput, handlerOf } from "./check-input.ts";
import type { Surroundings, Walk } from "./check-steps.ts";
import type { Flow, Known } from "./flow.ts";

/** How a step is undone. A command of a step's own domain, or of any for a child saga; or a list of steps. */
export function checkCompensation(
  check: CheckContext,
  step: CommandStep | SagaStep,
  place: Place,
  around: Surroundings,
  walk: Walk,
): void {
  const { compensate } = step;
  if (compensate === undefined) return;
  if (compensate.kind === "steps") {
    checkList(check, step, compensate, place, around, walk);
    return;
  }
  const at = check.marks.of(compensate, step.at);
  const domain = step.kind === "command" ? step.command.split(".")[0] : undefined;
  if (domain !== undefined && compensate.command.split(".")[0] !== domain) {
    const other = step.kind === "command" ? step.command : step.saga;
    const message = `\`${compensate.command}\` belongs to another domain than \`${other}\``;
    const hint = `Only the domain \`${domain}\` can undo its own step; a list of steps may name others.`;
    check.findings.error("definition.compensate-domain", at, message, hint);
    return;
  }
  const action = actionOf(check, compensate.command, at);
  if (step.kind === "command" && action !== undefined) warnElsewhere(check, step.command, action, at);
  const receiver = handlerOf(action);
  const own = ownOutput(step.name);
  const inside: Place = { flow: place.flow, names: withoutError(around), own };
  if (compensate.with === undefined) checkInheritedInput(check, step.with, place, receiver, at);
  else checkInput(check, compensate.with, inside, receiver, at);
}

/** A compensation arrives on the topic of its step: who does not read that never gets it. */
function warnElsewhere(check: CheckContext, command: string, undo: ActionDescription, at: Position): void {
  const own = check.catalog?.actions.get(command);
  if (own === undefined || own.handled === undo.handled) return;
  const other = `${undo.domain}.${undo.action}`;
  const message = own.handled
    ? `\`${other}\` has no \`run\`, and its commands arrive where the handler of \`${command}\` reads`
    : `\`${other}\` has \`run\`, and its commands arrive where another program reads those of \`${command}\``;
  const hint = "Who runs a step runs its compensation: give both `run`, or neither; or undo it by a list of steps.";
  check.findings.warning("definition.compensate-elsewhere", at, message, hint);
}

/** What such a list may hold: it runs forward, one after another, and fails only by waiting for a person. */
const KINDS: readonly Step["kind"][] = ["command", "notify", "set"];

function checkList(
  check: CheckContext,
  step: CommandStep | SagaStep,
  compensate: StepsCompensation,
  place: Place,
  around: Surroundings,
  walk: Walk,
): void {
  const at = check.marks.of(compensate, step.at);
  if (compensate.steps.length === 0) {
    const hint = "Leave `compensate` out: then the saga says that the step was not undone.";
    check.findings.error("definition.compensate-step", at, "a list that undoes nothing", hint);
  }
  for (const inner of compensate.steps) refuseInList(check, inner);
  const names = withoutError(around);
  walk(compensate.steps, withOwn(check, step, place.flow), { ...around, names, outermost: true, inside: "compensate" });
}

/** A list also undoes a step whose end nobody has seen, so that its output may not be there. */
function withOwn(check: CheckContext, step: CommandStep | SagaStep, flow: Flow): Flow {
  const type = check.results.get(step);
  if (step.name === undefined || type === undefined) return flow;
  return {
    ...flow,
    steps: new Map<string, Known>([...flow.steps, [step.name, { state: "maybe", type, unseen: true }]]),
  };
}

function refuseInList(check: CheckContext, step: Step): void {
  const refuse = (key: string, message: string, hint: string): void =>
    check.findings.error("definition.compensate-step", keyPosition(check, step, key, step.at), message, hint);
  if (!KINDS.includes(step.kind)) {
    refuse(step.kind, `\`${step.kind}\` cannot stand in a \`compensate\``, "Use command, notify, set and `if`.");
  }
  if (step.kind !== "command") return;
  if (step.pivot) refuse("pivot", "a compensation has no pivot", "Leave `pivot` out.");
  if (step.compensate !== undefined) refuse("compensate", "a compensation is not undone", "Leave `compensate` out.");
  if (step.catch.length > 0)
    refuse("catch", "a compensation catches nothing: it is retried, then it waits for a person", "Leave `catch` out.");
  if (step.deadlineMs !== undefined)
    refuse(
      "deadline",
      "a compensation has no deadline: it must happen",
      "Leave `deadline` out; `timeout` is for an attempt.",
    );
  if (step.retry.then === "compensate") refuse("retry", "a compensation cannot ask for another", "Leave `then` out.");
}

/** A failure is over when its saga is undone. */
function withoutError(around: Surroundings): Surroundings["names"] {
  return Object.fromEntries(Object.entries(around.names).filter(([name]) => name !== "error"));
}

function ownOutput(name: string | undefined): NonNullable<Place["own"]> {
  const hint =
    "The handler gets it, if known, as context.compensates.output; a list of steps may ask for it with has(…).";
  const message = `a compensation cannot read the output of its own step \`${name}\`: nobody may have seen it`;
  return { name, code: "definition.compensate-reads-own-output", message, hint };
}
