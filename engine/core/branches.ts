import { undo } from "./backward.ts";
import { catching } from "./catching.ts";
import type { Draft } from "./draft.ts";
import { type Branches, branchesOf, branchFrame, type Place } from "./frame.ts";
import { branchPath } from "./path.ts";
import type { Moved, Run } from "./standing.ts";
import type { BranchState, Failure } from "./state.ts";

type At = Place<Branches>;

/** Runs the branches of a `parallel` or `each` as far as they go, and ends the block when none is left. */
export function runBranches(draft: Draft, at: At, run: Run): Moved {
  const { branches } = at.state;
  for (let moved = true; moved; ) {
    moved = false;
    beginItems(draft, at);
    for (const [id, branch] of branchesOf(at.step, branches)) {
      if ("undoing" in branch) moved = undoBranch(draft, at, id, branch.undoing, run) || moved;
      else moved = runBranch(draft, at, id, branch, run) || moved;
    }
  }
  return Object.keys(branches).length > 0 ? "open" : endBlock(draft, at);
}

function closingOf({ frame, state }: At): Failure | undefined {
  return frame.closing ?? state.failure;
}

/** As many items as `concurrency` says are in progress. */
function beginItems(draft: Draft, at: At): void {
  const { step, path, state } = at;
  if (step.kind !== "each" || state.next === undefined || closingOf(at) !== undefined) return;
  const count = draft.values.countAt(path);
  let open = Object.keys(state.branches).length;
  for (; open < step.concurrency && state.next < count; open += 1) {
    draft.values.beginItem(path, state.next);
    state.branches[`[${state.next}]`] = { root: { at: 0 } };
    state.next += 1;
  }
}

/** A branch that is out of the race; true: it is undone, or its undoing belongs to the whole block now. */
function undoBranch(draft: Draft, at: At, id: string, because: Failure, run: Run): boolean {
  const path = branchPath(at.path, id);
  if (closingOf(at) === undefined) {
    if (!undo(draft, path, because, run)) return false;
    draft.values.forget(at.path, path);
  }
  delete at.state.branches[id];
  return true;
}

/** True: the branch has ended, so that the others may have to be looked at again. */
function runBranch(
  draft: Draft,
  at: At,
  id: string,
  branch: Extract<BranchState, { root: unknown }>,
  run: Run,
): boolean {
  const { state, step } = at;
  const frame = branchFrame(at, id, branch.root);
  const standing = run(draft, frame);
  if (standing === "open") return false;
  delete state.branches[id];
  if (step.kind === "each") draft.values.endItem(branchPath(at.path, id));
  if (closingOf(at) !== undefined) return true;
  if (typeof standing === "object") failBranch(at, id, standing);
  else if (standing === "done" && frame.closing === undefined) {
    if (step.kind === "parallel" && step.join === "any") state.winner = id;
  } else if (frame.closing !== undefined) state.branches[id] = { undoing: frame.closing };
  return true;
}

/** A branch of `join: any` that fails is out of the race; the last one, and one of any other block, fails the block (S10). */
function failBranch(at: At, id: string, failure: Failure): void {
  const { state, step } = at;
  const race = step.kind === "parallel" && step.join === "any";
  if (race && Object.values(state.branches).some((other) => "root" in other)) state.branches[id] = { undoing: failure };
  else state.failure = failure;
}

function wentWell(at: At): boolean {
  return closingOf(at) === undefined;
}

/** No branch is in progress any more: on, or the failure is caught, or it goes outward. */
function endBlock(draft: Draft, at: At): Moved {
  const { frame, step, path, state } = at;
  draft.clearTimers(path);
  const results = step.kind === "each" && wentWell(at) ? draft.values.resultsAt(path, step) : undefined;
  if (step.kind === "each") draft.values.endList(path);
  if (frame.closing !== undefined) {
    delete frame.block.current;
    draft.step({ path, status: "closed", finished: true });
    return "again";
  }
  if (state.failure === undefined) {
    if (results !== undefined) draft.values.keepOutput(step, path, results);
    draft.step({ path, status: "succeeded", ...(results === undefined ? {} : { output: results }), finished: true });
    return "next";
  }
  draft.step({ path, status: "failed", failure: state.failure, finished: true });
  const branch = catching(step, state.failure);
  if (branch === undefined) draft.fail(frame.block, state.failure);
  else frame.block.current = { kind: "undoing", branch, failure: state.failure };
  return "again";
}
