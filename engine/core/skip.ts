import { type Pending, pendingOf, succeed } from "./answer.ts";
import { endedByItself, leaveUndone } from "./backward.ts";
import { childOf, forgetTerminated } from "./child-answer.ts";
import { type Compensating, compensatingAt } from "./compensation.ts";
import type { VerbRefused } from "./decision.ts";
import type { Draft } from "./draft.ts";
import { completeWith } from "./forward.ts";
import { leave, type Place, placeAt } from "./frame.ts";
import { isParkedAt } from "./park.ts";
import { drop } from "./stack.ts";

/**
 * A person wants what is parked left out: the saga goes on behind it. What may have taken effect all the same is listed
 * as uncompensated (S8). Returns why it is refused.
 */
export function skip(draft: Draft, path: string, reason: string): VerbRefused | undefined {
  if (!isParkedAt(draft, path)) return "not-parked";
  const back = compensatingAt(draft, path);
  if (back !== undefined) return skipCompensation(draft, back, reason);
  const place = placeAt(draft, path);
  if (place === undefined) {
    // Only the saga's own output stands behind its last step.
    completeWith(draft, undefined);
    draft.step({ path, status: "skipped", finished: true });
    return undefined;
  }
  if (place.step.kind === "command" && place.step.pivot) return "pivot";
  const pending = pendingOf(place);
  if (pending !== undefined && pending.state.held === undefined) return skipCommand(draft, pending, reason);
  const child = childOf(place);
  if (child !== undefined && child.state.held === undefined) {
    if (!child.state.ended) return "running";
    forgetTerminated(draft, child);
  }
  goPast(draft, place, reason);
  return undefined;
}

function skipCompensation(draft: Draft, { entry }: Compensating, reason: string): VerbRefused | undefined {
  const guard = draft.guard(entry.path);
  if (guard.state === "running") return "running";
  if (!endedByItself(draft, entry, guard)) leaveUndone(draft, entry, `its compensation was skipped: ${reason}`);
  return undefined;
}

/** Its guard knows whether it has run after all (S3): then that counts, and nothing is left out. */
function skipCommand(draft: Draft, pending: Pending, reason: string): VerbRefused | undefined {
  const { frame, path } = pending;
  const guard = draft.guard(path);
  if (guard.state === "running") return "running";
  if (guard.state === "done") {
    succeed(draft, pending, guard.output);
    return undefined;
  }
  drop(draft, path);
  if (guard.state === "unknown" && !frame.undoes) {
    const message = `nobody knows whether it took effect, and it was skipped: ${reason}`;
    draft.state.uncompensated.push({ step: path, reason: message });
  }
  goPast(draft, pending, reason);
  return undefined;
}

/** On to the next step. A step of a list that compensates leaves a compensation that is not whole. */
function goPast(draft: Draft, { frame, path }: Place, reason: string): void {
  draft.clearTimers(path);
  draft.step({ path, status: "skipped", finished: true });
  if (frame.undoes) {
    const step = frame.prefix.slice(0, -"/compensate".length);
    draft.state.uncompensated.push({ step, reason: `${path} of its compensation was skipped: ${reason}` });
  }
  leave(frame);
}
