import { catching, cancelled, giveUp, parksUnsettled, pendingAt, tryAgain } from "./answer.ts";
import { compensateAgain, compensatingAt, giveUpCompensation, goBackward } from "./backward.ts";
import type { Draft } from "./draft.ts";
import { advance } from "./forward.ts";
import { frames, inProgress, innermost, open } from "./frame.ts";
import { park } from "./park.ts";
import { GUARD_RETRY_MS } from "./retry.ts";
import type { Failure } from "./state.ts";

/** A timer has fired. False: it is not set any more, or for another time; a visible no-op (S12). */
export function fire(draft: Draft, timer: string, dueAt: string): boolean {
  if (draft.state.timers[timer] !== dueAt) return false;
  delete draft.state.timers[timer];
  const colon = timer.indexOf(":");
  const path = timer.slice(colon + 1);
  switch (timer.slice(0, colon)) {
    case "retry":
      return fireRetry(draft, path);
    case "deadline":
      return fireDeadline(draft, path);
    case "guard":
      return fireGuard(draft, path);
    default:
      return false;
  }
}

function fireRetry(draft: Draft, path: string): boolean {
  const back = compensatingAt(draft, path);
  if (back?.backward.phase === "backoff") {
    compensateAgain(draft, back.entry, back.backward);
    return true;
  }
  const pending = pendingAt(draft, path);
  if (pending?.state.phase !== "backoff") return false;
  tryAgain(draft, pending);
  return true;
}

function fireDeadline(draft: Draft, path: string): boolean {
  const failure: Failure = {
    code: "deadline",
    message: `the deadline of ${path} has passed`,
    step: path,
    kind: "deadline",
  };
  const pending = pendingAt(draft, path);
  if (pending !== undefined) {
    const { step } = pending;
    // Running now: a deadline re-arms, the answer may come any moment (S1).
    const runs = !parksUnsettled(draft, step, failure) && draft.guard(path, step.pivot).state === "running";
    if (runs) draft.setTimer(`deadline:${path}`, GUARD_RETRY_MS);
    else giveUp(draft, pending, failure);
    return true;
  }
  return expireWait(draft, path, failure);
}

function expireWait(draft: Draft, path: string, failure: Failure): boolean {
  const frame = innermost(frames(draft.definition, draft.state));
  const at = inProgress(frame);
  if (at?.path !== path || at.state.kind !== "wait") return false;
  draft.step({ path, status: "failed", failure, finished: true });
  const branch = catching(at.step, failure);
  if (branch !== undefined) {
    open(frame, branch, failure);
    advance(draft);
  } else if (draft.state.pivotPassed) {
    frame.block.current = { kind: "fault", failure };
    park(draft, path, failure);
  } else goBackward(draft, failure);
  return true;
}

function fireGuard(draft: Draft, path: string): boolean {
  const back = compensatingAt(draft, path);
  if (back?.backward.phase === "closing" && back.backward.failure !== undefined) {
    giveUpCompensation(draft, back.entry, back.backward, back.backward.failure);
    return true;
  }
  const pending = pendingAt(draft, path);
  if (pending === undefined) return false;
  if (draft.state.cancel === undefined && pending.state.phase !== "closing") return false;
  giveUp(draft, pending, pending.state.failure ?? cancelled(draft, path));
  return true;
}
