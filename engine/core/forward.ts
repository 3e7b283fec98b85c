import { end, endFailedLists, goBackward, undo } from "./backward.ts";
import { runBranches } from "./branches.ts";
import { close } from "./close.ts";
import { endReversal, tellParent } from "./child-side.ts";
import { type Draft, faultOf } from "./draft.ts";
import { enter } from "./enter.ts";
import { blockFrame, type Frame, inProgress, leave, open, type Place, rootFrame } from "./frame.ts";
import type { Json } from "./json.ts";
import { park } from "./park.ts";
import { releaseChildren } from "./child-entries.ts";
import { clearStack } from "./stack.ts";
import type { Moved, Standing } from "./standing.ts";
import { type Failure, isFinal, type StepState } from "./state.ts";

/**
 * Goes on wherever something can go on, until every branch waits for something or the saga ends. Events change only the
 * step that they are about; everything that follows from it is found by this walk.
 */
export function advance(draft: Draft): void {
  walk(draft);
  endFailedLists(draft, run);
}

function walk(draft: Draft): void {
  const { state } = draft;
  if (isFinal(state.status)) {
    if (state.reversal === "running" && undo(draft, "", undefined, run)) endReversal(draft);
    return;
  }
  if (state.failure !== undefined) {
    if (undo(draft, "", state.failure, run)) end(draft, state.failure);
    return;
  }
  const standing = run(draft, rootFrame(draft));
  if (standing === "open") return;
  if (typeof standing === "object") return turn(draft, standing);
  if (state.closing !== undefined) return turn(draft, state.closing);
  complete(draft, standing === "ended");
}

/** Nothing is in progress any more: backward from here (S4). */
function turn(draft: Draft, failure: Failure): void {
  goBackward(draft, failure);
  if (undo(draft, "", failure, run)) end(draft, failure);
}

/** Runs a block as far as it goes. */
function run(draft: Draft, frame: Frame): Standing {
  for (;;) {
    const failure = draft.takeFailure(frame.block);
    if (failure !== undefined) return failure;
    const at = inProgress(frame);
    const standing = at === undefined ? begin(draft, frame) : goOn(draft, at);
    if (standing === "next") leave(frame);
    else if (standing !== "again") return standing;
  }
}

function begin(draft: Draft, frame: Frame): Moved {
  const { block, closing } = frame;
  const step = frame.steps[block.at];
  if (closing !== undefined) {
    if (step === undefined && block.current !== undefined) closeOutput(draft);
    delete block.current;
    return step === undefined ? "done" : "quiet";
  }
  if (step !== undefined) return enter(draft, frame, step);
  // Behind the last step only the saga's own output can stand.
  return block.current === undefined ? "done" : "open";
}

/** The saga's own output was parked. Up to version 3 its row stayed so. */
function closeOutput(draft: Draft): void {
  if (draft.semantics >= 4) draft.step({ path: "output", status: "closed", finished: true });
}

function goOn(draft: Draft, at: Place): Moved {
  const { frame, state } = at;
  switch (state.kind) {
    case "block": {
      const standing = run(draft, blockFrame({ ...at, state }));
      if (standing === "done") return "next";
      if (standing === "quiet") delete frame.block.current;
      if (typeof standing === "object") draft.fail(frame.block, standing);
      return standing === "open" || standing === "ended" ? standing : "again";
    }
    case "branches":
      return runBranches(draft, { ...at, state }, run);
    case "undoing":
      if (frame.closing !== undefined) delete frame.block.current;
      else if (undo(draft, at.path, state.failure, run)) takeOver(draft, { ...at, state });
      else return "open";
      return "again";
    default:
      if (frame.closing !== undefined) close(draft, at, frame.closing);
      return frame.block.current === undefined ? "again" : "open";
  }
}

/** What the block did is undone: its catch block begins, and reads nothing of it. */
function takeOver(draft: Draft, { frame, path, state }: Place<Extract<StepState, { kind: "undoing" }>>): void {
  draft.values.forget(path);
  open(frame, state.branch, state.failure);
}

function complete(draft: Draft, ended: boolean): void {
  const { state, definition } = draft;
  try {
    // An `end` has rendered its own output.
    const own = ended ? state.output : undefined;
    const output = own ?? (definition.output === undefined ? undefined : draft.render("", definition.output));
    completeWith(draft, output);
  } catch (error) {
    const failure = faultOf(error, "output");
    state.root = { at: definition.steps.length, current: { kind: "fault", failure } };
    park(draft, "output", failure);
  }
}

/** The saga has ended well. @throws MessageTooLarge when the output would not fit. */
export function completeWith(draft: Draft, output: Json | undefined): void {
  const { state, definition } = draft;
  draft.mustFit({ output: output ?? null }, "the output of the saga");
  if (output !== undefined) state.output = output;
  if (state.parked?.step === "output") draft.step({ path: "output", status: "succeeded", finished: true });
  state.status = "completed";
  state.root = { at: definition.steps.length };
  state.timers = {};
  const outcome = state.outcome === undefined ? {} : { outcome: state.outcome };
  draft.send({ topic: "timeline", type: "saga.completed", body: { output: state.output ?? null, ...outcome } });
  if (draft.facts.parent === undefined || state.pivotPassed) {
    releaseChildren(draft);
    clearStack(draft);
  }
  tellParent(draft);
}
