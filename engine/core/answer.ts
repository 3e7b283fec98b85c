import { attemptFailure, catching, isCaught, parksUnsettled } from "./catching.ts";
import { releaseChildren } from "./child-entries.ts";
import { type CommandState, deadlineAnew, sendCommand } from "./command.ts";
import type { CommandStep, SagaStep } from "./definition.ts";
import { type Draft, faultOf } from "./draft.ts";
import { contractFault, record } from "./enter.ts";
import type { SagaEvent } from "./event.ts";
import { errorIn, leave, open, type Place, placeAt } from "./frame.ts";
import type { Json } from "./json.ts";
import { park } from "./park.ts";
import { stepKey } from "./path.ts";
import { GUARD_RETRY_MS, mayRetry, retryDelayMs } from "./retry.ts";
import { clearStack, drop, keepResult } from "./stack.ts";
import type { Failure, StepState } from "./state.ts";

/** A command in progress, with what surrounds it. */
export interface Pending extends Place<CommandState> {
  readonly step: CommandStep;
}

/** A step whose result is awaited: of a participant, or of a child saga. */
export interface Awaited extends Place<CommandState | Extract<StepState, { kind: "child" }>> {
  readonly step: CommandStep | SagaStep;
}

/** The command in progress at a path; undefined: the step is settled, or another is in progress. */
export function pendingAt(draft: Draft, path: string): Pending | undefined {
  return pendingOf(placeAt(draft, path));
}

export function pendingOf(place: Place | undefined): Pending | undefined {
  if (place?.step.kind !== "command" || place.state.kind !== "command") return undefined;
  return { ...place, step: place.step, state: place.state };
}

/** `succeeded` of any attempt counts while the step is not settled, and un-parks (S11). */
export function succeed(draft: Draft, awaited: Awaited, result: Json): void {
  const { frame, step, path, state } = awaited;
  draft.clearTimers(path);
  const fault = take(draft, awaited, result);
  // Whoever is closed has no reader for its output, so a fault of it needs no person.
  if (frame.closing !== undefined) {
    draft.step({ path, status: "succeeded", finished: true });
    delete frame.block.current;
  } else if (fault !== undefined) {
    state.phase = "parked";
    state.held = result;
    state.failure = fault;
    park(draft, path, fault);
  } else {
    if (step.kind === "command" && step.pivot) passPivot(draft);
    leave(frame);
  }
}

/** From here on forward only: nothing on the stack is ever undone (S9). */
function passPivot(draft: Draft): void {
  draft.state.pivotPassed = true;
  releaseChildren(draft);
  clearStack(draft);
}

/** A result that breaks its contract or its output template is known all the same, to whoever undoes the step. */
function take(draft: Draft, { frame, step, path }: Awaited, result: Json): Failure | undefined {
  let output: Json | undefined;
  try {
    const fault = contractFault(step, path, result);
    if (fault !== undefined) return fault;
    output = step.output === undefined ? result : draft.render(path, step.output, { ...errorIn(frame), result });
    record(draft, step, path, output);
    return undefined;
  } catch (error) {
    return faultOf(error, path);
  } finally {
    keepResult(draft, path, result, output);
  }
}

/** `rejected`: retried when its code stands in `also`, else the step is over and its guard says so. */
export function reject(
  draft: Draft,
  pending: Pending,
  event: { readonly code: string; readonly message: string },
): void {
  const { frame, step, path, state } = pending;
  const failure: Failure = { code: event.code, message: event.message, step: path, kind: "rejected" };
  // A step that was given up while it ran sends no further attempt, whatever its answer (S1).
  const wanted = state.phase !== "closing" && frame.closing === undefined;
  if (wanted && step.retry.also.includes(event.code) && mayRetry(step.retry, event.code, state.used)) {
    draft.reopen(path);
    backOff(draft, pending, failure);
  } else giveUp(draft, pending, failure);
}

type FailedEvent = Extract<SagaEvent, { type: "step.failed" }>;

/** `failed` of the newest attempt: another attempt, or given up, or parked. Others are kept and move nothing (S11). */
export function fail(draft: Draft, pending: Pending, event: FailedEvent): boolean {
  const { frame, step, state } = pending;
  if (event.attempt !== state.attempt || state.phase === "parked" || state.phase === "backoff") return false;
  const failure = attemptFailure(draft, step, event);
  const wanted = state.phase === "sent" && frame.closing === undefined;
  if (wanted && event.retryable && mayRetry(step.retry, event.code, state.used)) backOff(draft, pending, failure);
  else if (wanted && !givesUp(pending, failure)) parkStep(draft, pending, failure);
  else giveUp(draft, pending, state.phase === "closing" && state.failure !== undefined ? state.failure : failure);
  return true;
}

function backOff(draft: Draft, { step, path, state }: Pending, failure: Failure): void {
  deadlineAnew(draft, step, path, state);
  state.phase = "backoff";
  state.failure = failure;
  draft.setTimer(`retry:${path}`, retryDelayMs(step.retry, state.used, stepKey(draft.facts.id, path)));
  draft.step({ path, status: "retrying", failure });
}

/** Stops at a step for a person. */
export function parkStep(draft: Draft, { path, state }: Awaited, failure: Failure): void {
  state.phase = "parked";
  state.failure = failure;
  draft.clearTimers(path);
  park(draft, path, failure);
}

/** Whether a technical failure that outlives its retries ends the step instead of parking it (S4). */
function givesUp(pending: Pending, failure: Failure): boolean {
  const { frame, step } = pending;
  if (isCaught(pending, failure)) return true;
  if (frame.uncaught !== "outward") return false;
  // An optional compensation is left undone rather than shown to a person.
  return frame.undoes || (failure.kind !== "fault" && step.retry.then === "compensate");
}

/**
 * Ends a step without success. Its guard decides what that means (S3, S5): closed or rejected takes it off the stack,
 * done is adopted, unknown stays on the stack, running is waited for.
 */
export function giveUp(draft: Draft, pending: Pending, failure: Failure): void {
  const { step, path, state } = pending;
  if (parksUnsettled(pending, failure)) return parkStep(draft, pending, failure);
  const guard = draft.guard(path, step.pivot);
  switch (guard.state) {
    case "running":
      // Nobody has to help any more. Up to version 3 the row went on saying parked.
      if (state.phase === "parked" && draft.semantics >= 4) draft.step({ path, status: "running" });
      state.phase = "closing";
      state.failure = failure;
      delete draft.state.timers[`deadline:${path}`];
      delete draft.state.timers[`retry:${path}`];
      return draft.setTimer(`guard:${path}`, GUARD_RETRY_MS);
    case "done":
      return succeed(draft, pending, guard.output);
    case "unknown":
      // An unknown pivot is never caught and never taken back: only its answer or a person knows (S9).
      if (step.pivot) return parkStep(draft, pending, failure);
      return endFailed(draft, pending, failure);
    case "rejected":
      drop(draft, path);
      return endFailed(
        draft,
        pending,
        failure.kind === "rejected" ? failure : { ...failure, ...rejection(failure, guard) },
      );
    default:
      drop(draft, path);
      return endFailed(draft, pending, failure);
  }
}

/** The business had said no before the failure was noticed: that is the reason, unless a person cancelled. */
function rejection(failure: Failure, guard: { readonly code: string; readonly message: string }): Partial<Failure> {
  return failure.kind === "cancelled" ? {} : { kind: "rejected", code: guard.code, message: guard.message };
}

/** The step is over without success: its `catch`, else outward, else (past the pivot) a person. */
export function endFailed(draft: Draft, awaited: Awaited, failure: Failure): void {
  const { frame, step, path, state } = awaited;
  draft.clearTimers(path);
  draft.step({ path, status: failure.kind === "rejected" ? "rejected" : "failed", failure, finished: true });
  if (frame.closing !== undefined) {
    delete frame.block.current;
    return;
  }
  const branch = catching(step, failure);
  if (branch !== undefined) open(frame, branch, failure);
  else if (frame.uncaught === "outward" || isCaught(awaited, failure)) draft.fail(frame.block, failure);
  else {
    state.phase = "parked";
    state.failure = failure;
    park(draft, path, failure);
  }
}

/** Sends the next attempt: its backoff is over, or a person wants it. */
export function tryAgain(draft: Draft, { step, path, state }: Pending): void {
  sendCommand(draft, step, path, state);
}
