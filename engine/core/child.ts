import { childId } from "./child-id.ts";
import type { SagaStep } from "./definition.ts";
import type { Draft } from "./draft.ts";
import { errorIn, type Frame } from "./frame.ts";
import { stepKey } from "./path.ts";
import { push } from "./stack.ts";
import type { StepState } from "./state.ts";

/*
 * Child sagas (S15). Parent and child are two sagas that send each other rows with the other's id as key; neither takes
 * the other's lock. To the child: `child.requested` (begin), `cancel.requested` (your parent gives you up), and once it
 * has completed either `compensate.requested` (undo your stack) or `child.released` (forget it). To the parent:
 * `child.ended` (once, at the final status) and `child.compensated` (the answer to `compensate.requested`). Every one is
 * sent by a transition and heard by a transition; heard a second time it finds nothing that waits for it.
 */

export type ChildState = Extract<StepState, { kind: "child" }>;

/** Begins the child of a `saga` step and awaits its end. */
export function enterChild(draft: Draft, frame: Frame, step: SagaStep, path: string): "open" {
  const input = draft.render(path, step.with, errorIn(frame));
  draft.mustFit({ input }, "the input of the child saga");
  draft.step({ path, status: "running", started: true });
  frame.block.current = startChild(draft, step, path, input, 1);
  return "open";
}

/** Asks for a child; a later one, after the earlier one's end, is another saga. */
export function startChild(
  draft: Draft,
  step: SagaStep,
  path: string,
  input: ChildState["input"],
  attempt: number,
): ChildState {
  const id = childId(draft.read.now, `${stepKey(draft.facts.id, path)}#${attempt}`);
  push(draft, { path, input, child: { id } });
  draft.step({ path, status: "running", attempts: attempt });
  if (step.deadlineMs !== undefined) draft.setTimer(`deadline:${path}`, step.deadlineMs);
  const parent = { sagaId: draft.facts.id, path };
  const body = { definition: step.saga, input, parent };
  draft.send({ topic: "timeline", type: "child.requested", to: id, body });
  return { kind: "child", phase: "open", id, attempt, input };
}
