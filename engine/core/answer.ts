import { goBackward } from "./backward.ts";
import { type CommandState, sendCommand } from "./command.ts";
import type { CommandStep, Step } from "./definition.ts";
import { type Draft, faultOf } from "./draft.ts";
import type { SagaEvent } from "./event.ts";
import { advance, contractFault, leave, record } from "./forward.ts";
import { type Frame, frames, inProgress, innermost, open } from "./frame.ts";
import type { Json } from "./json.ts";
import { park, unpark } from "./park.ts";
import { stepKey } from "./path.ts";
import { GUARD_RETRY_MS, mayRetry, retryDelayMs } from "./retry.ts";
import type { Failure } from "./state.ts";

/** A command in progress, with what surrounds it. */
export interface Pending {
  readonly frame: Frame;
  readonly step: CommandStep;
  readonly path: string;
  readonly state: CommandState;
}

/** The command in progress at a path; undefined: the step is settled, or another is in progress. */
export function pendingAt(draft: Draft, path: string | null): Pending | undefined {
  if (draft.state.backward !== undefined) return undefined;
  const frame = innermost(frames(draft.definition, draft.state));
  const at = inProgress(frame);
  if (at === undefined || (path !== null && at.path !== path)) return undefined;
  if (at.step.kind !== "command" || at.state.kind !== "command") return undefined;
  return { frame, step: at.step, path: at.path, state: at.state };
}

/** `succeeded` of any attempt counts while the step is not settled, and un-parks (S11). */
export function succeed(draft: Draft, pending: Pending, result: Json): void {
  const { frame, step, path, state } = pending;
  unpark(draft);
  draft.clearTimers(path);
  const entry = draft.state.stack.find((candidate) => candidate.path === path);
  if (entry !== undefined) entry.output = result;
  const fault = keepOutput(draft, step, path, result);
  // A cancel waits for this very answer; nobody will read the output, so its faults need no person.
  if (draft.state.cancel !== undefined && !step.pivot) {
    draft.step({ path, status: "succeeded", finished: true });
    return goBackward(draft, cancelled(draft, path));
  }
  if (fault !== undefined) {
    state.phase = "parked";
    state.held = result;
    return park(draft, path, fault);
  }
  if (step.pivot) {
    draft.state.pivotPassed = true;
    draft.state.stack = [];
  }
  leave(frame);
  advance(draft);
}

function keepOutput(draft: Draft, step: CommandStep, path: string, result: Json): Failure | undefined {
  const fault = contractFault(step, path, result);
  if (fault !== undefined) return fault;
  try {
    record(draft, step, path, step.output === undefined ? result : draft.render(step.output, { result }));
    return undefined;
  } catch (error) {
    return faultOf(error, path);
  }
}

/** `rejected`: retried when its code stands in `also`, else the step is over and its guard says so. */
export function reject(
  draft: Draft,
  pending: Pending,
  event: { readonly code: string; readonly message: string },
): void {
  const { step, path, state } = pending;
  const failure: Failure = { code: event.code, message: event.message, step: path, kind: "rejected" };
  unpark(draft);
  // A step that was given up while it ran sends no further attempt, whatever its answer (S1).
  const wanted = state.phase !== "closing" && draft.state.cancel === undefined;
  if (wanted && step.retry.also.includes(event.code) && mayRetry(step.retry, event.code, state.used)) {
    draft.reopen(path);
    backOff(draft, pending, failure);
  } else giveUp(draft, pending, failure);
}

type FailedEvent = Extract<SagaEvent, { type: "step.failed" }>;

/** `failed` of the newest attempt: another attempt, or given up, or parked. Others are kept and move nothing (S11). */
export function fail(draft: Draft, pending: Pending, event: FailedEvent): boolean {
  const { step, path, state } = pending;
  if (event.attempt !== state.attempt || state.phase === "parked" || state.phase === "backoff") return false;
  const failure: Failure = { code: event.code, message: event.message, step: path, kind: "failed" };
  const wanted = state.phase === "sent" && draft.state.cancel === undefined;
  if (wanted && event.retryable && mayRetry(step.retry, event.code, state.used)) backOff(draft, pending, failure);
  else if (wanted && !givesUp(draft, step, failure)) parkCommand(draft, pending, failure);
  else giveUp(draft, pending, state.phase === "closing" && state.failure !== undefined ? state.failure : failure);
  return true;
}

function backOff(draft: Draft, { step, path, state }: Pending, failure: Failure): void {
  state.phase = "backoff";
  state.failure = failure;
  draft.setTimer(`retry:${path}`, retryDelayMs(step.retry, state.used, stepKey(draft.facts.id, path)));
  draft.step({ path, status: "retrying", failure });
}

function parkCommand(draft: Draft, { path, state }: Pending, failure: Failure): void {
  state.phase = "parked";
  state.failure = failure;
  draft.clearTimers(path);
  park(draft, path, failure);
}

/** Whether a technical failure that outlives its retries ends the step instead of parking it (S4). */
function givesUp(draft: Draft, step: CommandStep, failure: Failure): boolean {
  if (catching(step, failure) !== undefined) return true;
  return step.retry.then === "compensate" && !draft.state.pivotPassed;
}

/**
 * Ends a step without success. Its guard decides what that means (S3, S5): closed or rejected takes it off the stack,
 * done is adopted, unknown stays on the stack, running is waited for.
 */
export function giveUp(draft: Draft, pending: Pending, failure: Failure): void {
  const { step, path, state } = pending;
  if (parksUnsettled(draft, step, failure)) return parkCommand(draft, pending, failure);
  const guard = draft.guard(path, step.pivot);
  switch (guard.state) {
    case "running":
      // A cancel moves a parked saga: a retry that came now would send what the cancel has stopped.
      unpark(draft);
      state.phase = "closing";
      state.failure = failure;
      delete draft.state.timers[`deadline:${path}`];
      return draft.setTimer(`guard:${path}`, GUARD_RETRY_MS);
    case "done":
      return succeed(draft, pending, guard.output);
    case "unknown":
      // An unknown pivot is never caught and never taken back: only its answer or a person knows (S9).
      if (step.pivot) return parkCommand(draft, pending, failure);
      return endFailed(draft, pending, failure);
    case "rejected":
      offStack(draft, path);
      return endFailed(
        draft,
        pending,
        failure.kind === "rejected" ? failure : { ...failure, ...rejection(failure, guard) },
      );
    default:
      offStack(draft, path);
      return endFailed(draft, pending, failure);
  }
}

/**
 * Past the pivot a step that nothing catches is never given up: it parks, and a step on which the saga is parked is not
 * settled (design §3), for a retry would be refused by a guard that says `closed`.
 */
export function parksUnsettled(draft: Draft, step: CommandStep, failure: Failure): boolean {
  return draft.state.pivotPassed && catching(step, failure) === undefined;
}

/** The business had said no before the failure was noticed: that is the reason, unless a person cancelled. */
function rejection(failure: Failure, guard: { readonly code: string; readonly message: string }): Partial<Failure> {
  return failure.kind === "cancelled" ? {} : { kind: "rejected", code: guard.code, message: guard.message };
}

function offStack(draft: Draft, path: string): void {
  draft.state.stack = draft.state.stack.filter((entry) => entry.path !== path);
}

/** The step is over without success: its `catch`, else backward, else (past the pivot) a person. */
function endFailed(draft: Draft, pending: Pending, failure: Failure): void {
  const { frame, step, path, state } = pending;
  draft.clearTimers(path);
  draft.step({ path, status: failure.kind === "rejected" ? "rejected" : "failed", failure, finished: true });
  if (draft.state.cancel !== undefined && !draft.state.pivotPassed) return goBackward(draft, cancelled(draft, path));
  const branch = failure.kind === "cancelled" ? undefined : catching(step, failure);
  if (branch !== undefined) {
    unpark(draft);
    open(frame, branch, failure);
    advance(draft);
  } else if (draft.state.pivotPassed) {
    state.phase = "parked";
    state.failure = failure;
    park(draft, path, failure);
  } else goBackward(draft, failure);
}

/** The failure that a cancel stands for. */
export function cancelled(draft: Draft, path: string): Failure {
  return { code: "cancelled", message: draft.state.cancel?.reason ?? "", step: path, kind: "cancelled" };
}

/** The catch block for a failure: its own code before its class before `any`. */
export function catching(step: Step, failure: Failure): string | undefined {
  if ((step.kind !== "command" && step.kind !== "wait") || failure.kind === "fault") return undefined;
  const wanted = [failure.code, failure.kind, "any"];
  const code = wanted.find((candidate) => step.catch.some((entry) => entry.code === candidate));
  return code === undefined ? undefined : `catch/${code}`;
}

/** Sends the next attempt: its backoff is over, or a person wants it. */
export function tryAgain(draft: Draft, { step, path, state }: Pending): void {
  unpark(draft);
  sendCommand(draft, step, path, state);
}
