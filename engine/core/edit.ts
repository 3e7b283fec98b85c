import { pendingAt } from "./answer.ts";
import { sendAnew } from "./command.ts";
import { compensatingAt, sendCompensation } from "./compensation.ts";
import type { Draft } from "./draft.ts";
import type { EditRequested } from "./event.ts";
import { replaceInput } from "./stack.ts";

/**
 * A person has edited what a command or a compensation is sent: from here on the step has this input, for later attempts
 * and for whoever undoes it, and its next attempt goes out. False: it does not wait for its participant, or is given up.
 */
export function edit(draft: Draft, event: EditRequested): boolean {
  return event.compensation ? editCompensation(draft, event) : editCommand(draft, event);
}

function editCommand(draft: Draft, { path, input, supersedes }: EditRequested): boolean {
  const pending = pendingAt(draft, path);
  if (pending === undefined || pending.state.phase === "closing" || pending.state.held !== undefined) return false;
  if (pending.frame.closing !== undefined) return false;
  pending.state.input = input;
  replaceInput(draft, path, input);
  sendAnew(draft, pending.step, path, pending.state, supersedes);
  return true;
}

function editCompensation(draft: Draft, { path, input, supersedes }: EditRequested): boolean {
  const at = compensatingAt(draft, path);
  if (at === undefined || at.undo.phase === "closing") return false;
  at.undo.input = input;
  at.undo.used = 0;
  sendCompensation(draft, at.entry, at.compensation, at.undo, supersedes);
  return true;
}
