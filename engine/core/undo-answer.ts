import { compensated, leaveUndone } from "./backward.ts";
import { attemptFailure } from "./catching.ts";
import { type Compensating, compensatingAt, parkCompensation } from "./compensation.ts";
import type { Draft } from "./draft.ts";
import type { SagaEvent } from "./event.ts";
import { stepKey } from "./path.ts";
import { GUARD_RETRY_MS, mayRetry, retryDelayMs } from "./retry.ts";
import type { Failure } from "./state.ts";

type CompensationFailed = Extract<SagaEvent, { type: "compensation.failed" }>;

/** A compensation failed: again, or left undone when it is optional, or parked (S8). False: it moves nothing. */
export function compensationFailed(draft: Draft, event: CompensationFailed): boolean {
  const at = compensatingAt(draft, event.path);
  if (at === undefined || at.undo.phase !== "sent" || event.attempt !== at.undo.attempt) return false;
  const { entry, step, undo, compensation } = at;
  const failure = attemptFailure(draft, step, event);
  if (event.retryable && mayRetry(compensation.retry, event.code, undo.used)) {
    undo.phase = "backoff";
    undo.failure = failure;
    const seed = `${stepKey(draft.facts.id, entry.path)}#compensate`;
    draft.setTimer(`retry:${entry.path}`, retryDelayMs(compensation.retry, undo.used, seed));
  } else if (compensation.optional) giveUpCompensation(draft, at, failure);
  else parkCompensation(draft, entry.path, undo, failure);
  return true;
}

/**
 * Gives an optional compensation up. An earlier attempt may have been delivered again: the guard knows whether it has
 * taken effect meanwhile, or does so now.
 */
export function giveUpCompensation(draft: Draft, { entry, undo }: Compensating, failure: Failure): void {
  switch (draft.guard(entry.path).state) {
    case "running":
      undo.phase = "closing";
      undo.failure = failure;
      return draft.setTimer(`guard:${entry.path}`, GUARD_RETRY_MS);
    case "compensated":
      return compensated(draft, entry, "compensated");
    default:
      return leaveUndone(draft, entry, `its optional compensation failed: ${failure.code}`);
  }
}
