import { type Pending, pendingOf, succeed } from "./answer.ts";
import { compensated, endedByItself } from "./backward.ts";
import { childOf } from "./child-answer.ts";
import { type Compensating, compensatingAt } from "./compensation.ts";
import type { VerbRefused } from "./decision.ts";
import type { CommandStep, SagaStep, WaitStep } from "./definition.ts";
import { type Draft, faultOf } from "./draft.ts";
import { contractFault, record } from "./enter.ts";
import { completeWith } from "./forward.ts";
import { errorIn, leave, type Place, placeAt } from "./frame.ts";
import type { Json } from "./json.ts";
import { isParkedAt, park } from "./park.ts";
import { push } from "./stack.ts";
import type { BlockState, Failure } from "./state.ts";

/**
 * A person says how what is parked has ended: with this result, as if it had succeeded (S8). What breaks the contract
 * parks it again. Returns why it is refused.
 */
export function resolve(draft: Draft, path: string, result: Json): VerbRefused | undefined {
  if (!isParkedAt(draft, path)) return "not-parked";
  const back = compensatingAt(draft, path);
  if (back !== undefined) return resolveCompensation(draft, back, result);
  const place = placeAt(draft, path);
  if (place === undefined) return resolveOutput(draft, result);
  switch (place.step.kind) {
    case "command":
      return resolveCommand(draft, place, place.step, result);
    case "saga":
      return resolveChild(draft, place, place.step, result);
    case "wait":
      resolveWait(draft, place, place.step, result);
      return undefined;
    default:
      return "no-result";
  }
}

function resolveCompensation(draft: Draft, { entry }: Compensating, result: Json): VerbRefused | undefined {
  const guard = draft.guard(entry.path);
  if (guard.state === "running") return "running";
  if (endedByItself(draft, entry, guard)) return undefined;
  draft.resolve({ path: entry.path, state: "compensated", output: result });
  compensated(draft, entry, "compensated");
  return undefined;
}

/** Behind the last step only the saga's own output can be parked. */
function resolveOutput(draft: Draft, result: Json): undefined {
  try {
    completeWith(draft, result);
  } catch (error) {
    standAgain(draft, draft.state.root, faultOf(error, "output"));
  }
}

function resolveCommand(draft: Draft, place: Place, step: CommandStep, result: Json): VerbRefused | undefined {
  const { path } = place;
  const known = pendingOf(place);
  if (known?.state.held !== undefined) {
    delete known.state.held;
    succeed(draft, known, result);
    return undefined;
  }
  // What was done by the one who was asked counts more than what a person says of it.
  const guard = draft.guard(path, step.pivot);
  if (guard.state === "running") return "running";
  const pending = known ?? neverSent(draft, place, step);
  if (guard.state === "done") succeed(draft, pending, guard.output);
  else {
    draft.resolve({ path, state: "done", output: result });
    succeed(draft, pending, result);
  }
  return undefined;
}

/** It could not be entered, so it has no input; what undoes it gets what a person said of it. */
function neverSent(draft: Draft, place: Place, step: CommandStep): Pending {
  const { frame, path } = place;
  const state = { kind: "command", phase: "parked", attempt: 0, used: 0, input: null } as const;
  frame.block.current = { ...state };
  if (!frame.undoes) push(draft, { path, input: null });
  return { ...place, step, state: frame.block.current };
}

function resolveChild(draft: Draft, place: Place, step: SagaStep, result: Json): VerbRefused | undefined {
  const { frame, path } = place;
  const child = childOf(place);
  if (child !== undefined) {
    if (child.state.held === undefined && !child.state.ended) return "running";
    delete child.state.held;
    succeed(draft, child, result);
    return undefined;
  }
  // There never was a child that could take back what the person has done in its place.
  if (!draft.state.pivotPassed) {
    draft.state.uncompensated.push({ step: path, reason: "a person resolved it without a child saga" });
  }
  const state = { kind: "child", phase: "parked", id: "", attempt: 0, input: null, ended: true } as const;
  frame.block.current = { ...state };
  succeed(draft, { ...place, step, state: frame.block.current }, result);
  return undefined;
}

function resolveWait(draft: Draft, { frame, path }: Place, step: WaitStep, result: Json): void {
  const fault = contractFault(step, path, result);
  if (fault !== undefined) return standAgain(draft, frame.block, fault);
  try {
    const more = { ...errorIn(frame), result, signal: result };
    record(draft, step, path, step.output === undefined ? result : draft.render(path, step.output, more));
    leave(frame);
  } catch (error) {
    standAgain(draft, frame.block, faultOf(error, path));
  }
}

function standAgain(draft: Draft, block: BlockState, failure: Failure): void {
  block.current = { kind: "fault", failure };
  park(draft, failure.step, failure);
}
