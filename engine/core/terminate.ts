import { type Pending, pendingOf } from "./answer.ts";
import { endedByItself, leaveUndone } from "./backward.ts";
import { childOf } from "./child-answer.ts";
import { release } from "./child-entries.ts";
import { isRevocable, released, tellParent, tellUndone } from "./child-side.ts";
import type { CommandUndo } from "./compensation.ts";
import { type Draft, errorOf } from "./draft.ts";
import type { SagaEvent } from "./event.ts";
import { listFrame, type Place, placesOf } from "./frame.ts";
import { allSteps } from "./path.ts";
import { GUARD_RETRY_MS } from "./retry.ts";
import { childEntries, drop, keepResult, undone } from "./stack.ts";
import { type Failure, isFinal, type StackEntry } from "./state.ts";

type Terminate = Extract<SagaEvent, { type: "terminate.requested" | "parent.terminated" }>;

const LEFT = "the saga was terminated";

/**
 * Stops a saga without compensation (S14): nothing is sent any more but the news of it. What is on the stack stays there,
 * as a record. A completed child that hears it of its parent forgets its stack, or stops taking it back.
 */
export function terminate(draft: Draft, event: Terminate): void {
  const { state } = draft;
  if (isFinal(state.status)) return endTakingBack(draft, event);
  const failure: Failure = { code: "terminated", message: event.reason, step: placeOf(draft), kind: "cancelled" };
  state.status = "terminated";
  state.failure = failure;
  delete state.closing;
  stop(draft, event.reason);
  const uncompensated = state.uncompensated.map((item) => ({ ...item }));
  draft.send({ topic: "timeline", type: "saga.terminated", body: { error: errorOf(failure), uncompensated } });
  tellParent(draft);
}

/** Where it stood. */
function placeOf(draft: Draft): string {
  const forward = placesOf(draft).find(({ state }) => state.kind !== "block" && state.kind !== "branches");
  return draft.state.parked?.step ?? forward?.path ?? undone(draft)[0]?.path ?? "output";
}

function endTakingBack(draft: Draft, event: Terminate): void {
  const { state } = draft;
  if (!isRevocable(state) || released(draft)) return;
  stop(draft, event.reason);
  state.reversal = "done";
  // Its parent still waits, unless it was the parent who said so.
  if (event.type === "terminate.requested") tellUndone(draft, true);
}

function stop(draft: Draft, reason: string): void {
  const { state } = draft;
  tellChildren(draft, reason);
  const behind = state.root.at === draft.definition.steps.length && state.root.current !== undefined;
  if (behind) {
    draft.step({ path: "output", status: "closed", finished: true });
    // Up to version 3 it stood as parked until everything had ended.
    if (draft.semantics >= 4) delete state.root.current;
  }
  wind(draft);
}

/** Those in progress, and those that take themselves back, are terminated as well; completed ones may forget their stack. */
function tellChildren(draft: Draft, reason: string): void {
  const tell = (to: string) => draft.send({ topic: "timeline", type: "parent.terminated", to, body: { reason } });
  for (const { state } of placesOf(draft).flatMap((place) => childOf(place) ?? [])) {
    if (!state.ended && state.held === undefined) tell(state.id);
  }
  for (const { child, undo } of childEntries(draft)) {
    if (child?.ended !== "completed" || child.pivotPassed) continue;
    if (undo === undefined) release(draft, child.id);
    else tell(child.id);
  }
}

/**
 * Ends what is in progress through the guards: what has not run never will, and what runs at this moment is asked for
 * again by its timer, for a handler that fails after all would be run once more.
 */
export function wind(draft: Draft): void {
  const { state } = draft;
  state.timers = {};
  for (const place of placesOf(draft)) endPlace(draft, place);
  for (const entry of undone(draft)) endUndo(draft, entry);
  const notifies = [...allSteps(draft.definition).values()].some(({ kind }) => kind === "notify");
  if (notifies && draft.guard("").state === "running") comeBack(draft, "");
  if (Object.keys(state.timers).length > 0) state.winding = true;
  else {
    delete state.winding;
    delete state.root.current;
  }
}

function comeBack(draft: Draft, path: string): void {
  draft.setTimer(`guard:${path}`, GUARD_RETRY_MS);
}

function endPlace(draft: Draft, place: Place): void {
  const { frame, path, state } = place;
  if (state.kind === "block") return;
  if (state.kind === "branches" || state.kind === "undoing") {
    if (!draft.state.winding) draft.step({ path, status: "closed", finished: true });
    if (state.kind === "undoing") delete frame.block.current;
    return;
  }
  const pending = pendingOf(place);
  if (pending !== undefined && pending.state.held === undefined) return endCommand(draft, pending);
  const held = (state.kind === "command" || state.kind === "child") && state.held !== undefined;
  draft.step({ path, status: held ? "succeeded" : "closed", finished: true });
  delete frame.block.current;
}

function endCommand(draft: Draft, { frame, path, state }: Pending): void {
  const guard = draft.guard(path);
  if (guard.state === "running") {
    state.phase = "closing";
    draft.step({ path, status: "running" });
    return comeBack(draft, path);
  }
  delete frame.block.current;
  if (guard.state === "done") {
    keepResult(draft, path, guard.output, guard.output);
    return draft.step({ path, status: "succeeded", output: guard.output, finished: true });
  }
  // One whose end nobody knows may have taken effect: it stays where it can be found.
  if (guard.state === "unknown") return draft.step({ path, status: "failed", finished: true });
  drop(draft, path);
  draft.step({ path, status: guard.state === "rejected" ? "rejected" : "closed", finished: true });
}

function endUndo(draft: Draft, entry: StackEntry): void {
  switch (entry.undo?.kind) {
    case "command":
      return endCompensation(draft, entry, entry.undo);
    case "guard":
      return endCompensation(draft, entry, undefined);
    case "steps":
      // One of its steps runs.
      if (listFrame(draft, entry)?.block.current !== undefined) return;
      return leaveUndone(draft, entry, LEFT);
    default:
      return leaveUndone(draft, entry, LEFT);
  }
}

function endCompensation(draft: Draft, entry: StackEntry, undo: CommandUndo | undefined): void {
  const guard = draft.guard(entry.path);
  if (guard.state === "running") {
    if (undo !== undefined) awaitEnd(draft, entry, undo);
    comeBack(draft, entry.path);
  } else if (!endedByItself(draft, entry, guard)) leaveUndone(draft, entry, LEFT);
}

/** Nobody has to help any more. Up to version 3 the row of one that was parked went on saying so. */
function awaitEnd(draft: Draft, entry: StackEntry, undo: CommandUndo): void {
  if (undo.phase === "parked" && draft.semantics >= 4) draft.step({ path: entry.path, status: "compensating" });
  undo.phase = "closing";
}
