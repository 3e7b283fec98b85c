import { giveUp, pendingOf } from "./answer.ts";
import { childOf, closeChild } from "./child-answer.ts";
import type { Draft } from "./draft.ts";
import type { Place } from "./frame.ts";
import type { Failure } from "./state.ts";

/**
 * Ends a step in a branch that is being closed (S10): waits and timers end, a command in flight is settled by its guard,
 * a child is asked to cancel. What still runs afterwards is awaited.
 */
export function close(draft: Draft, place: Place, because: Failure): void {
  const { frame, step, path, state } = place;
  const pending = pendingOf(place);
  if (pending !== undefined && pending.state.held === undefined) {
    if (pending.state.phase !== "closing") giveUp(draft, pending, because);
    return;
  }
  const child = childOf(place);
  if (child !== undefined && child.state.held === undefined) return closeChild(draft, child);
  draft.clearTimers(path);
  // A `fail` that stands is parked, and has a row for that alone. Up to version 3 it stayed so.
  if (step.kind !== "fail" || draft.semantics >= 4) {
    const ended = state.kind === "command" || state.kind === "child";
    draft.step({ path, status: ended ? "succeeded" : "skipped", finished: true });
  }
  delete frame.block.current;
}
