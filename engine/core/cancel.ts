import { cancelled, giveUp, pendingAt } from "./answer.ts";
import { goBackward } from "./backward.ts";
import type { Draft } from "./draft.ts";
import { frames, inProgress, innermost } from "./frame.ts";

/**
 * Cancel (S14): before the pivot a failure with code `cancelled` that nothing catches. While a step runs it is
 * recorded and done at the step's answer. Returns why it has no effect.
 */
export function cancel(draft: Draft, reason: string): "compensating" | "past-pivot" | undefined {
  const { state } = draft;
  if (state.backward !== undefined) return "compensating";
  if (state.pivotPassed) return "past-pivot";
  const pending = pendingAt(draft, null);
  if (pending?.step.pivot && !pivotCanBeStopped(draft, pending.path)) return "past-pivot";
  state.cancel = { reason };
  if (pending === undefined || pending.state.held !== undefined) {
    // Behind the last step only the saga's own output can have failed.
    const path = inProgress(innermost(frames(draft.definition, state)))?.path ?? "output";
    goBackward(draft, cancelled(draft, path));
    return undefined;
  }
  delete state.timers[`retry:${pending.path}`];
  giveUp(draft, pending, cancelled(draft, pending.path));
  return undefined;
}

/** A pivot that was not taken yet is closed by the very question; one that is done, running or unknown is past. */
function pivotCanBeStopped(draft: Draft, path: string): boolean {
  const { state } = draft.guard(path, true);
  return state === "closed" || state === "rejected";
}
