import { type Pending, pendingAt, succeed, tryAgain } from "./answer.ts";
import { compensateAgain } from "./backward.ts";
import type { Draft } from "./draft.ts";
import { advance } from "./forward.ts";
import { type Frame, frames, inProgress, innermost } from "./frame.ts";
import { unpark } from "./park.ts";
import { pathOf } from "./path.ts";

/** A person wants the parked step tried again. False: the saga is not parked there. */
export function retry(draft: Draft, step: string | undefined): boolean {
  if (draft.state.status !== "parked") return false;
  const { backward } = draft.state;
  const top = draft.state.stack.at(-1);
  if (backward !== undefined && top !== undefined) {
    if (step !== undefined && step !== top.path) return false;
    backward.used = 0;
    compensateAgain(draft, top, backward);
    return true;
  }
  const frame = innermost(frames(draft.definition, draft.state));
  const pending = pendingAt(draft, null);
  if (step !== undefined && step !== (pending?.path ?? pathHere(frame))) return false;
  if (pending === undefined) enterAgain(draft, frame);
  else retryCommand(draft, pending);
  return true;
}

function retryCommand(draft: Draft, pending: Pending): void {
  const { held } = pending.state;
  if (held !== undefined) {
    delete pending.state.held;
    return succeed(draft, pending, held);
  }
  // The participant would answer again with the rejection that it has stored.
  if (pending.state.failure?.kind === "rejected") draft.reopen(pending.path);
  pending.state.used = 0;
  tryAgain(draft, pending);
}

function enterAgain(draft: Draft, frame: Frame): void {
  unpark(draft);
  delete frame.block.current;
  advance(draft);
}

function pathHere(frame: Frame): string {
  const at = inProgress(frame);
  const step = frame.steps[frame.block.at];
  return at?.path ?? (step === undefined ? "output" : pathOf(frame.prefix, step.id));
}
