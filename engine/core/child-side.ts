import { releaseChildren } from "./child-entries.ts";
import type { Draft } from "./draft.ts";
import { clearStack } from "./stack.ts";
import type { SagaState } from "./state.ts";

/** A child that has reached its final status tells its parent (S15). */
export function tellParent(draft: Draft): void {
  const { facts, state } = draft;
  if (facts.parent === undefined) return;
  const body = {
    path: facts.parent.path,
    child: facts.id,
    status: state.status,
    code: state.failure?.code ?? "",
    message: state.failure?.message ?? "",
    output: state.output ?? null,
    pivotPassed: state.pivotPassed,
    uncompensated: state.uncompensated.length > 0,
  };
  draft.send({ topic: "timeline", type: "child.ended", to: facts.parent.sagaId, body });
}

/** Whether a completed child may still be asked to undo its stack, or is doing it. */
export function isRevocable(state: SagaState): boolean {
  return state.status === "completed" && !state.pivotPassed && state.reversal !== "done";
}

/** The parent takes the child back: its stack is undone, its status stays. False: it has begun. */
export function beginReversal(draft: Draft): boolean {
  if (draft.state.reversal !== undefined) return false;
  draft.state.reversal = "running";
  return true;
}

/** Everything is undone: the parent hears of it. */
export function endReversal(draft: Draft): void {
  const { state } = draft;
  state.reversal = "done";
  state.timers = {};
  tellUndone(draft, state.uncompensated.length > 0);
}

/** A completed child tells its parent that it undoes no more, and whether something is left that was not undone. */
export function tellUndone(draft: Draft, uncompensated: boolean): void {
  const { facts } = draft;
  if (facts.parent === undefined) return;
  const body = { path: facts.parent.path, uncompensated };
  draft.send({ topic: "timeline", type: "child.compensated", to: facts.parent.sagaId, body });
}

/** Nobody takes the child back any more, and so nobody takes back its own children. False: it has been taken back. */
export function released(draft: Draft): boolean {
  if (draft.state.reversal !== undefined) return false;
  releaseChildren(draft);
  clearStack(draft);
  draft.state.reversal = "done";
  return true;
}
