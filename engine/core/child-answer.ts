import { type Awaited, endFailed, parkStep, succeed } from "./answer.ts";
import { parksUnsettled } from "./catching.ts";
import type { ChildState } from "./child.ts";
import { startChild } from "./child.ts";
import { listChild, release } from "./child-entries.ts";
import type { SagaStep } from "./definition.ts";
import type { Draft } from "./draft.ts";
import type { ChildEnded } from "./event.ts";
import { type Place, placeAt } from "./frame.ts";
import { drop, takeEntry } from "./stack.ts";
import type { Failure } from "./state.ts";

/** A child in progress, with what surrounds its step. */
export interface OpenChild extends Place<ChildState> {
  readonly step: SagaStep;
}

/** The child in progress at a path. */
function childAt(draft: Draft, path: string): OpenChild | undefined {
  return childOf(placeAt(draft, path));
}

export function childOf(place: Place | undefined): OpenChild | undefined {
  if (place?.step.kind !== "saga" || place.state.kind !== "child") return undefined;
  return { ...place, step: place.step, state: place.state };
}

/** The branch of a child is closed: its end is awaited, for only then it is known what is to be undone. */
export function closeChild(draft: Draft, open: OpenChild): void {
  const { frame, path, state } = open;
  if (state.ended) {
    draft.step({ path, status: "failed", finished: true });
    delete frame.block.current;
  } else if (state.phase !== "closing") askToCancel(draft, open);
}

/** Before the pivot its deadline gives the child up; nothing takes it back behind the pivot, where a person looks at it. */
export function childDeadline(draft: Draft, open: OpenChild, failure: Failure): boolean {
  if (open.state.phase !== "open") return false;
  if (parksUnsettled(open, failure)) parkStep(draft, open, failure);
  else {
    open.state.failure = failure;
    askToCancel(draft, open);
  }
  return true;
}

function askToCancel(draft: Draft, { path, state }: OpenChild): void {
  draft.clearTimers(path);
  // Nobody has to help any more. Up to version 3 the row went on saying parked.
  if (state.phase === "parked" && draft.semantics >= 4) draft.step({ path, status: "running" });
  state.phase = "closing";
  const reason = `the parent saga ${draft.facts.id} gives its step ${path} up`;
  draft.send({ topic: "timeline", type: "cancel.requested", to: state.id, body: { reason } });
}

/** A child has ended. False: nobody waits for it. */
export function childEnded(draft: Draft, event: ChildEnded): boolean {
  const open = childAt(draft, event.path);
  if (open === undefined || open.state.ended || open.state.held !== undefined || open.state.id !== event.child)
    return false;
  const { path, state } = open;
  const child = takeEntry(draft, path)?.child;
  switch (event.status) {
    case "completed":
      // Up to version 3 the parent learnt of it only where such a child undid itself.
      if (event.uncompensated && draft.semantics >= 4) listChild(draft, path);
      if (child === undefined) {
        if (!event.pivotPassed) release(draft, state.id);
      } else {
        child.ended = "completed";
        if (event.pivotPassed) child.pivotPassed = true;
      }
      succeed(draft, open, event.output);
      return true;
    case "terminated":
      if (child !== undefined) child.ended = "terminated";
      terminated(draft, open, event);
      return true;
    default:
      drop(draft, path);
      if (event.uncompensated) listChild(draft, path);
      state.ended = true;
      endFailed(draft, open, reasonOf(open, event));
      return true;
  }
}

function terminated(draft: Draft, open: OpenChild, event: ChildEnded): void {
  const { frame, path, state } = open;
  state.ended = true;
  const message = event.message === "" ? "the child saga was terminated" : event.message;
  const failure: Failure = { code: "child.terminated", message, step: path, kind: "failed" };
  if (frame.closing !== undefined) endFailed(draft, open, failure);
  else parkStep(draft, open, failure);
}

/** A child that was given up ends for the reason for which it was given up. */
function reasonOf({ path, state }: OpenChild, event: ChildEnded): Failure {
  if (state.phase === "closing" && state.failure !== undefined) return state.failure;
  return { code: event.code, message: event.message, step: path, kind: "rejected" };
}

/** What a terminated child has left is not undone. */
export function forgetTerminated(draft: Draft, { path, state }: OpenChild): void {
  const isOnStack = takeEntry(draft, path)?.child?.ended === "terminated";
  // Behind the pivot no stack knows it, but why it is parked. Up to version 3 it was not listed there.
  const why = state.failure;
  const isParked = why?.code === "child.terminated" && why.kind === "failed" && draft.semantics >= 4;
  if (!isOnStack && !isParked) return;
  draft.state.uncompensated.push({ step: path, reason: "its child saga was terminated" });
  drop(draft, path);
}

/** A person tries a parked child again: one that still runs is awaited again, one that has ended is begun anew. */
export function retryChild(draft: Draft, open: OpenChild): void {
  const { frame, step, path, state } = open;
  const { held } = state;
  if (held !== undefined) {
    delete state.held;
    return succeed(draft, open satisfies Awaited, held);
  }
  if (!state.ended) {
    state.phase = "open";
    delete state.failure;
    draft.step({ path, status: "running" });
    if (step.deadlineMs !== undefined) draft.setTimer(`deadline:${path}`, step.deadlineMs);
    return;
  }
  forgetTerminated(draft, open);
  frame.block.current = startChild(draft, step, path, state.input, state.attempt + 1);
}
