import { sendCompensation } from "./compensation.ts";
import { tellParent } from "./child-side.ts";
import { compensateChild } from "./child-entries.ts";
import { type Draft, errorOf } from "./draft.ts";
import type { GuardOutcome } from "./event.ts";
import { compensationOf, listFrame } from "./frame.ts";
import { stepAt } from "./path.ts";
import { GUARD_RETRY_MS } from "./retry.ts";
import { depthOf, drop, topsIn, undone } from "./stack.ts";
import type { Run } from "./standing.ts";
import type { Failure, StackEntry } from "./state.ts";

/** Turns the saga round: nothing is in progress any more, and the stack is undone from its top (S4, S7). */
export function goBackward(draft: Draft, failure: Failure): void {
  const { state } = draft;
  state.failure = failure;
  delete state.closing;
  delete state.root.current;
  delete state.timers["deadline:"];
  draft.send({ topic: "timeline", type: "saga.compensating", body: { error: errorOf(failure) } });
}

/** Everything is undone: the saga has ended. */
export function end(draft: Draft, failure: Failure): void {
  const { state } = draft;
  state.status = failure.kind === "cancelled" ? "cancelled" : "failed";
  state.timers = {};
  const body = { error: errorOf(failure), uncompensated: state.uncompensated.map((item) => ({ ...item })) };
  draft.send({ topic: "timeline", type: `saga.${state.status}`, body });
  tellParent(draft);
}

/**
 * Undoes what a branch or a block has done (everything, for the empty scope) as far as it goes now: each branch from
 * its end, branches of one block at the same time. True: nothing is left.
 */
export function undo(draft: Draft, scope: string, because: Failure | undefined, run: Run): boolean {
  for (;;) {
    const entries = topsIn(draft, scope);
    if (entries.length === 0) return true;
    const before = depthOf(draft);
    for (const entry of entries) {
      if (entry.undo === undefined || entry.undo.kind === "guard") begin(draft, entry, because);
      if (entry.undo?.kind === "steps") runList(draft, entry, run);
    }
    if (depthOf(draft) === before) return false;
  }
}

function begin(draft: Draft, entry: StackEntry, because: Failure | undefined): void {
  const error = draft.state.failure !== undefined || because === undefined ? {} : { error: because };
  const compensation = compensationOf(draft, entry);
  if (stepAt(draft.definition, entry.path)?.kind === "notify")
    return listed(draft, entry, "a notification is not taken back");
  if (entry.child !== undefined && !entry.child.pivotPassed) return compensateChild(draft, entry, entry.child);
  if (compensation === undefined) return listed(draft, entry, "the step has no compensation");
  if (entry.child !== undefined) entry.undo = { kind: "steps", root: { at: 0 }, ...error };
  else if (compensation.kind === "steps") beginList(draft, entry, error);
  else {
    entry.undo = { kind: "command", phase: "sent", attempt: 0, used: 0, ...error };
    sendCompensation(draft, entry, compensation, entry.undo);
  }
}

/** A list runs in other domains, whose participants know nothing of this step: its guard is asked here whether it may have run. */
function beginList(draft: Draft, entry: StackEntry, error: { readonly error?: Failure }): void {
  const { path } = entry;
  if (entry.undo?.kind === "guard" && draft.state.timers[`guard:${path}`] !== undefined) return;
  switch (draft.guard(path).state) {
    case "running":
      entry.undo = { kind: "guard", ...error };
      return draft.setTimer(`guard:${path}`, GUARD_RETRY_MS);
    case "closed":
    case "rejected":
    case "blocked":
      draft.step({ path, status: "closed", finished: true });
      return drop(draft, path);
    default:
      draft.step({ path, status: "compensating" });
      entry.undo = { kind: "steps", root: { at: 0 }, ...error };
  }
}

function runList(draft: Draft, entry: StackEntry, run: Run): void {
  const frame = listFrame(draft, entry);
  if (frame === undefined) return;
  const standing = run(draft, frame);
  if (standing === "open") return;
  if (typeof standing !== "object") return compensated(draft, entry, "compensated");
  leaveUndone(draft, entry, `its optional compensation failed: ${standing.code}`);
}

/**
 * Ends optional lists that have failed in this transition and that nobody went through: their branch is closed, and waits
 * for another step first. Up to version 3 the failure was forgotten, and such a list began anew with an attempt that its
 * participant had given up.
 */
export function endFailedLists(draft: Draft, run: Run): void {
  if (draft.semantics < 4) return;
  for (const entry of undone(draft)) {
    if (entry.undo?.kind === "steps" && draft.hasFailed(entry.undo.root)) runList(draft, entry, run);
  }
}

function listed(draft: Draft, entry: StackEntry, reason: string): void {
  draft.state.uncompensated.push({ step: entry.path, reason });
  drop(draft, entry.path);
}

/** An entry is undone, or had nothing to undo. */
export function compensated(draft: Draft, entry: StackEntry, outcome: "compensated" | "closed"): void {
  draft.clearTimers(entry.path);
  draft.step({ path: entry.path, status: outcome, finished: true });
  drop(draft, entry.path);
}

const NOTHING_TO_UNDO: readonly GuardOutcome["state"][] = ["closed", "rejected", "blocked"];

/** The guard of a compensation that is given up may say that it was carried out, or had nothing to undo. False: neither. */
export function endedByItself(draft: Draft, entry: StackEntry, { state }: GuardOutcome): boolean {
  if (state === "compensated") compensated(draft, entry, "compensated");
  else if (NOTHING_TO_UNDO.includes(state)) compensated(draft, entry, "closed");
  else return false;
  return true;
}

/** Gives a compensation up: what it would have undone is listed. */
export function leaveUndone(draft: Draft, entry: StackEntry, reason: string): void {
  draft.clearTimers(entry.path);
  draft.keep(entry.path);
  draft.step({ path: entry.path, status: "kept", finished: true });
  listed(draft, entry, reason);
}
