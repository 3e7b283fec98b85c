import type { Draft } from "./draft.ts";
import type { SagaEvent } from "./event.ts";
import { childEntries, drop, entryAt } from "./stack.ts";
import type { ChildEntry, StackEntry } from "./state.ts";

/** Undoes a child that has not passed a pivot: it undoes its own stack and says when that is done. */
export function compensateChild(draft: Draft, entry: StackEntry, child: ChildEntry): void {
  if (child.ended === "terminated") {
    draft.state.uncompensated.push({ step: entry.path, reason: "its child saga was terminated" });
    return drop(draft, entry.path);
  }
  entry.undo = { kind: "child" };
  draft.step({ path: entry.path, status: "compensating" });
  draft.send({ topic: "timeline", type: "compensate.requested", to: child.id, body: {} });
}

type ChildCompensated = Extract<SagaEvent, { type: "child.compensated" }>;

/** A child has undone its stack. False: nobody waits for it. */
export function childCompensated(draft: Draft, event: ChildCompensated): boolean {
  const { path } = event;
  if (entryAt(draft, path)?.undo?.kind !== "child") return false;
  if (event.uncompensated) listChild(draft, path);
  draft.step({ path, status: "compensated", finished: true });
  drop(draft, path);
  return true;
}

const LISTS = "its child saga lists steps that were not compensated";

/**
 * What a child could not take back is what its parent could not take back. It may have left something when it completed
 * already, or the child before it: up to version 3 each was listed.
 */
export function listChild(draft: Draft, path: string): void {
  const { uncompensated } = draft.state;
  const isListed = uncompensated.some(({ step, reason }) => step === path && reason === LISTS);
  if (!isListed || draft.semantics < 4) uncompensated.push({ step: path, reason: LISTS });
}

/** Nobody takes the completed children on the stack back any more: they may forget theirs. */
export function releaseChildren(draft: Draft): void {
  for (const { child } of childEntries(draft)) {
    if (child?.ended === "completed" && !child.pivotPassed) release(draft, child.id);
  }
}

/** Tells one child. */
export function release(draft: Draft, childId: string): void {
  draft.send({ topic: "timeline", type: "child.released", to: childId, body: {} });
}
