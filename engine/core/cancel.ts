import { pendingOf } from "./answer.ts";
import type { Draft } from "./draft.ts";
import { placesOf } from "./frame.ts";
import type { Failure } from "./state.ts";

/**
 * Cancel (S14): before the pivot a failure with code `cancelled` that nothing catches. While a step runs it is
 * recorded and done at the step's answer. Returns why it has no effect.
 */
export function cancel(draft: Draft, reason: string): "compensating" | "past-pivot" | undefined {
  const { state } = draft;
  if (state.failure !== undefined || state.closing !== undefined) return "compensating";
  if (state.pivotPassed || !["none", "stopped"].includes(pivotAhead(draft))) return "past-pivot";
  closeAll(draft, { code: "cancelled", message: reason, kind: "cancelled" });
  return undefined;
}

/** The total deadline has passed: before the pivot a failure that no step catches, after it a message on the timeline. */
export function expireLife(draft: Draft, again: () => void): void {
  const { state } = draft;
  if (state.closing !== undefined) return;
  const pivot = state.pivotPassed ? "passed" : pivotAhead(draft);
  if (pivot === "running") return again();
  const message = "the total deadline of the saga has passed";
  if (pivot === "passed") {
    draft.send({ topic: "timeline", type: "saga.overdue", body: { message } });
  } else closeAll(draft, { code: "deadline", message, kind: "deadline" });
}

/** Every branch ends what it has in progress; the walk over the tree does it. */
function closeAll(draft: Draft, why: Omit<Failure, "step">): void {
  // Behind the last step only the saga's own output can have failed.
  const step =
    placesOf(draft).find(({ state }) => state.kind !== "block" && state.kind !== "branches")?.path ?? "output";
  draft.state.closing = { ...why, step };
}

/** A pivot that was not taken yet is stopped by the very question; one that is done, running or unknown is not. */
function pivotAhead(draft: Draft): "none" | "stopped" | "running" | "passed" {
  const pivot = placesOf(draft)
    .map(pendingOf)
    .find((pending) => pending?.step.pivot);
  if (pivot === undefined) return "none";
  const { state } = draft.guard(pivot.path, true);
  if (state === "running") return "running";
  return state === "closed" || state === "rejected" ? "stopped" : "passed";
}
