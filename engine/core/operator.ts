import { type Pending, pendingOf, succeed } from "./answer.ts";
import { childOf, retryChild } from "./child-answer.ts";
import { sendAnew } from "./command.ts";
import { compensatingAt, sendCompensation } from "./compensation.ts";
import type { Draft } from "./draft.ts";
import { placeAt } from "./frame.ts";
import { parkedAt } from "./park.ts";

/** A person wants what is parked tried again: one place, or all of them. False: the saga is not parked there. */
export function retry(draft: Draft, step: string | undefined): boolean {
  const places = parkedAt(draft).filter(({ path }) => step === undefined || step === path);
  for (const { path } of places) retryAt(draft, path);
  return places.length > 0;
}

function retryAt(draft: Draft, path: string): void {
  const back = compensatingAt(draft, path);
  if (back !== undefined) {
    back.undo.used = 0;
    return sendCompensation(draft, back.entry, back.compensation, back.undo);
  }
  const place = placeAt(draft, path);
  const pending = pendingOf(place);
  const child = childOf(place);
  if (pending !== undefined) retryCommand(draft, pending);
  else if (child !== undefined) retryChild(draft, child);
  // The step, or the saga's own output, is entered again.
  else {
    if (place !== undefined) draft.enterAgain(path);
    delete (place?.frame.block ?? draft.state.root).current;
  }
}

function retryCommand(draft: Draft, pending: Pending): void {
  const { held } = pending.state;
  if (held !== undefined) {
    delete pending.state.held;
    return succeed(draft, pending, held);
  }
  // The participant would answer again with the rejection that it has stored.
  if (pending.state.failure?.kind === "rejected") draft.reopen(pending.path);
  sendAnew(draft, pending.step, pending.path, pending.state);
}
