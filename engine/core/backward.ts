import { actionOf } from "./command.ts";
import type { CommandStep, Compensation } from "./definition.ts";
import { type Draft, errorOf, faultOf } from "./draft.ts";
import type { SagaEvent } from "./event.ts";
import { frames, inProgress, innermost } from "./frame.ts";
import { park, unpark } from "./park.ts";
import { stepAt, stepKey } from "./path.ts";
import { GUARD_RETRY_MS, mayRetry, retryDelayMs } from "./retry.ts";
import type { BackwardState, Failure, StackEntry } from "./state.ts";

/** Turns the saga round: nothing new goes forward, the stack is undone from its top (S4, S7). */
export function goBackward(draft: Draft, failure: Failure): void {
  const { state } = draft;
  state.status = "compensating";
  state.failure = failure;
  delete state.parked;
  delete state.cancel;
  leaveWaiting(draft);
  delete state.root.current;
  state.timers = {};
  draft.send({ topic: "timeline", type: "saga.compensating", body: { error: errorOf(failure) } });
  unwind(draft);
}

/** A wait that nobody will answer any more, or a step that could not be entered, ends here. */
function leaveWaiting(draft: Draft): void {
  const at = inProgress(innermost(frames(draft.definition, draft.state)));
  if (at === undefined || (at.state.kind !== "wait" && at.state.kind !== "fault") || at.step.kind === "fail") return;
  if (draft.state.failure?.step !== at.path || draft.state.failure.kind === "cancelled") {
    draft.step({ path: at.path, status: "skipped", finished: true });
  }
}

/** Starts the next compensation, or ends the saga when none is left. */
function unwind(draft: Draft): void {
  const { state } = draft;
  for (let entry = state.stack.at(-1); entry !== undefined; entry = state.stack.at(-1)) {
    const compensation = compensationOf(draft, entry);
    if (compensation !== undefined) {
      state.backward = { phase: "sent", attempt: 0, used: 0 };
      return sendCompensation(draft, entry, compensation, state.backward);
    }
    const reason = entry.notify ? "a notification is not taken back" : "the step has no compensation";
    state.uncompensated.push({ step: entry.path, reason });
    state.stack.pop();
  }
  end(draft);
}

function end(draft: Draft): void {
  const { state } = draft;
  const failure = state.failure as Failure;
  delete state.backward;
  state.status = failure.kind === "cancelled" ? "cancelled" : "failed";
  state.timers = {};
  const body = { error: errorOf(failure), uncompensated: state.uncompensated.map((item) => ({ ...item })) };
  draft.send({ topic: "timeline", type: `saga.${state.status}`, body });
}

function compensationOf(draft: Draft, entry: StackEntry): Compensation | undefined {
  const step = stepAt(draft.definition, entry.path);
  return step?.kind === "command" ? step.compensate : undefined;
}

function sendCompensation(draft: Draft, entry: StackEntry, compensation: Compensation, backward: BackwardState): void {
  const step = stepAt(draft.definition, entry.path) as CommandStep;
  const { path } = entry;
  delete draft.state.timers[`retry:${path}`];
  try {
    const error = draft.state.failure === undefined ? {} : { error: errorOf(draft.state.failure) };
    const input = compensation.with === undefined ? entry.input : draft.render(compensation.with, error);
    const key = stepKey(draft.facts.id, path);
    const known = entry.output === undefined ? {} : { output: entry.output };
    const body = { input, compensates: { stepKey: key, input: entry.input, ...known } };
    draft.mustFit(body, "the compensation");
    backward.attempt += 1;
    backward.used += 1;
    backward.phase = "sent";
    draft.step({ path, status: "compensating" });
    draft.send({
      topic: step.command,
      type: "compensation.requested",
      path,
      action: actionOf(compensation.command),
      attempt: backward.attempt,
      headers: { timeoutMs: compensation.timeoutMs },
      body,
    });
  } catch (error) {
    parkBackward(draft, path, backward, faultOf(error, path));
  }
}

/** The compensation in progress, when it is the one at `path`. */
export function compensatingAt(draft: Draft, path: string): { entry: StackEntry; backward: BackwardState } | undefined {
  const entry = draft.state.stack.at(-1);
  const { backward } = draft.state;
  return backward === undefined || entry?.path !== path ? undefined : { entry, backward };
}

/** The top of the stack is undone, or had nothing to undo. */
export function compensated(draft: Draft, path: string, outcome: "compensated" | "nothing"): void {
  unpark(draft);
  draft.clearTimers(path);
  draft.step({
    path,
    ...(outcome === "compensated" ? { status: "compensated" } : { status: "closed" }),
    finished: true,
  });
  draft.state.stack.pop();
  unwind(draft);
}

type CompensationFailed = Extract<SagaEvent, { type: "compensation.failed" }>;

/** A compensation failed: again, or left undone when it is optional, or parked (S8). False: it moves nothing. */
export function compensationFailed(draft: Draft, event: CompensationFailed): boolean {
  const at = compensatingAt(draft, event.path);
  if (at === undefined || at.backward.phase !== "sent" || event.attempt !== at.backward.attempt) return false;
  const { entry, backward } = at;
  const compensation = compensationOf(draft, entry) as Compensation;
  const failure: Failure = { code: event.code, message: event.message, step: entry.path, kind: "failed" };
  if (event.retryable && mayRetry(compensation.retry, event.code, backward.used)) {
    backward.phase = "backoff";
    backward.failure = failure;
    const delayMs = retryDelayMs(
      compensation.retry,
      backward.used,
      `${stepKey(draft.facts.id, entry.path)}#compensate`,
    );
    draft.setTimer(`retry:${entry.path}`, delayMs);
  } else if (compensation.optional) {
    giveUpCompensation(draft, entry, backward, failure);
  } else parkBackward(draft, entry.path, backward, failure);
  return true;
}

/**
 * Gives an optional compensation up. An earlier attempt may have been delivered again: the guard knows whether it has
 * taken effect meanwhile, or does so now.
 */
export function giveUpCompensation(draft: Draft, entry: StackEntry, backward: BackwardState, failure: Failure): void {
  switch (draft.guard(entry.path).state) {
    case "running":
      backward.phase = "closing";
      backward.failure = failure;
      return draft.setTimer(`guard:${entry.path}`, GUARD_RETRY_MS);
    case "compensated":
      return compensated(draft, entry.path, "compensated");
    default:
      return leaveUndone(draft, entry, `its optional compensation failed: ${failure.code}`);
  }
}

function leaveUndone(draft: Draft, entry: StackEntry, reason: string): void {
  draft.keep(entry.path);
  draft.step({ path: entry.path, status: "kept", finished: true });
  draft.state.uncompensated.push({ step: entry.path, reason });
  draft.state.stack.pop();
  unwind(draft);
}

function parkBackward(draft: Draft, path: string, backward: BackwardState, failure: Failure): void {
  backward.phase = "parked";
  backward.failure = failure;
  park(draft, path, failure);
}

/** Sends the compensation in progress once more. */
export function compensateAgain(draft: Draft, entry: StackEntry, backward: BackwardState): void {
  unpark(draft);
  const compensation = compensationOf(draft, entry);
  if (compensation !== undefined) sendCompensation(draft, entry, compensation, backward);
}
