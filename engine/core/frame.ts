import type { Definition, Step } from "./definition.ts";
import { blockOf, pathOf } from "./path.ts";
import type { BlockState, Failure, SagaState, StepState } from "./state.ts";

/** One level of the tree: a block, its steps, and the path before them. */
export interface Frame {
  readonly steps: readonly Step[];
  readonly block: BlockState;
  readonly prefix: string;
  /** What `error` means in this block: set inside a catch block. */
  readonly error?: Failure;
}

/** From the root to the innermost block in progress. */
export function frames(definition: Definition, state: SagaState): Frame[] {
  const chain: Frame[] = [{ steps: definition.steps, block: state.root, prefix: "" }];
  for (let inner = descend(chain[0] as Frame); inner !== undefined; inner = descend(inner)) chain.push(inner);
  return chain;
}

/** The innermost frame. */
export function innermost(chain: readonly Frame[]): Frame {
  return chain[chain.length - 1] as Frame;
}

/** The step in progress of a frame, with its path and state. */
export function inProgress(
  frame: Frame,
): { readonly step: Step; readonly path: string; readonly state: StepState } | undefined {
  const step = frame.steps[frame.block.at];
  const state = frame.block.current;
  return step === undefined || state === undefined ? undefined : { step, path: pathOf(frame.prefix, step.id), state };
}

/** Opens a block below the step in progress and returns its frame. */
export function open(frame: Frame, branch: string, error?: Failure): Frame {
  const block: BlockState = { at: 0 };
  frame.block.current = { kind: "block", branch, block, ...(error === undefined ? {} : { error }) };
  return descend(frame) as Frame;
}

function descend(frame: Frame): Frame | undefined {
  const at = inProgress(frame);
  if (at?.state.kind !== "block") return undefined;
  const error = at.state.error ?? frame.error;
  return {
    steps: blockOf(at.step, at.state.branch),
    block: at.state.block,
    prefix: `${at.path}/${at.state.branch}`,
    ...(error === undefined ? {} : { error }),
  };
}
