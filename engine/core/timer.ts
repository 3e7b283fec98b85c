import { giveUp, pendingAt, tryAgain } from "./answer.ts";
import { expireLife } from "./cancel.ts";
import { catching, isCaught, parksUnsettled } from "./catching.ts";
import { childDeadline, childOf } from "./child-answer.ts";
import { compensatingAt, sendCompensation } from "./compensation.ts";
import type { Draft } from "./draft.ts";
import { failHere } from "./enter.ts";
import { leave, open, type Place, placeAt } from "./frame.ts";
import { GUARD_RETRY_MS } from "./retry.ts";
import { entryAt } from "./stack.ts";
import type { Failure } from "./state.ts";
import { wind } from "./terminate.ts";
import { giveUpCompensation } from "./undo-answer.ts";

/** A timer has fired. False: it is not set any more, or for another time; a visible no-op (S12). */
export function fire(draft: Draft, timer: string, dueAt: string): boolean {
  if (draft.state.timers[timer] !== dueAt) return false;
  delete draft.state.timers[timer];
  if (draft.state.winding) {
    wind(draft);
    return true;
  }
  const colon = timer.indexOf(":");
  const path = timer.slice(colon + 1);
  switch (timer.slice(0, colon)) {
    case "retry":
      return fireRetry(draft, path);
    case "deadline":
      return path === "" ? fireLife(draft) : fireDeadline(draft, path);
    case "guard":
      return fireGuard(draft, path);
    case "sleep":
      return fireSleep(draft, path);
    default:
      return false;
  }
}

function fireRetry(draft: Draft, path: string): boolean {
  const back = compensatingAt(draft, path);
  if (back?.undo.phase === "backoff") {
    sendCompensation(draft, back.entry, back.compensation, back.undo);
    return true;
  }
  const pending = pendingAt(draft, path);
  if (pending?.state.phase !== "backoff") return false;
  tryAgain(draft, pending);
  return true;
}

/** The total deadline counts from the saga's start: its first transition is late when the dispatcher was paused. */
export function beginLife(draft: Draft): void {
  const { deadlineMs } = draft.definition;
  if (deadlineMs === undefined) return;
  // Up to version 2 it counted from the transition.
  const from = draft.semantics < 3 ? draft.read.now : draft.facts.startedAt;
  draft.state.timers["deadline:"] = new Date(Date.parse(from) + deadlineMs).toISOString();
}

function fireLife(draft: Draft): boolean {
  expireLife(draft, () => draft.setTimer("deadline:", GUARD_RETRY_MS));
  return true;
}

function fireDeadline(draft: Draft, path: string): boolean {
  const message = `the deadline of ${path} has passed`;
  const failure: Failure = { code: "deadline", message, step: path, kind: "deadline" };
  const place = placeAt(draft, path);
  if (place === undefined) return false;
  switch (place.state.kind) {
    case "command":
      return commandDeadline(draft, path, failure);
    case "child": {
      const child = childOf(place);
      return child !== undefined && childDeadline(draft, child, failure);
    }
    case "wait":
      return expireWait(draft, place, failure);
    case "branches":
      return expireBlock(draft, place, failure);
    default:
      return false;
  }
}

function commandDeadline(draft: Draft, path: string, failure: Failure): boolean {
  const pending = pendingAt(draft, path);
  if (pending === undefined) return false;
  // Running now: a deadline re-arms, the answer may come any moment (S1).
  const runs = !parksUnsettled(pending, failure) && draft.guard(path, pending.step.pivot).state === "running";
  if (runs) draft.setTimer(`deadline:${path}`, GUARD_RETRY_MS);
  else giveUp(draft, pending, failure);
  return true;
}

function expireWait(draft: Draft, { frame, step, path }: Place, failure: Failure): boolean {
  draft.step({ path, status: "failed", failure, finished: true });
  const branch = catching(step, failure);
  if (branch !== undefined) open(frame, branch, failure);
  else failHere(draft, frame, step, failure);
  return true;
}

/** Behind the pivot nothing is taken back: unless something catches it, a block that is late is only told. */
function expireBlock(draft: Draft, place: Place, failure: Failure): boolean {
  const { frame, path, state } = place;
  if (state.kind !== "branches" || state.failure !== undefined) return false;
  if (frame.uncaught === "outward" || isCaught(place, failure)) state.failure = failure;
  else draft.send({ topic: "timeline", type: "saga.overdue", path, body: { message: failure.message } });
  return true;
}

function fireGuard(draft: Draft, path: string): boolean {
  const back = compensatingAt(draft, path);
  if (back?.undo.phase === "closing" && back.undo.failure !== undefined) {
    giveUpCompensation(draft, back, back.undo.failure);
    return true;
  }
  // A list that waits for its step's end: the walk asks the guard again.
  if (entryAt(draft, path)?.undo?.kind === "guard") return true;
  const pending = pendingAt(draft, path);
  if (pending === undefined) return false;
  const because = pending.state.failure ?? pending.frame.closing;
  if (pending.state.phase !== "closing" || because === undefined) return false;
  giveUp(draft, pending, because);
  return true;
}

function fireSleep(draft: Draft, path: string): boolean {
  const place = placeAt(draft, path);
  if (place?.state.kind !== "sleep") return false;
  draft.step({ path, status: "succeeded", finished: true });
  leave(place.frame);
  return true;
}
