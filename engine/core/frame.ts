import type { Compensation, Step } from "./definition.ts";
import { type Draft, errorOf } from "./draft.ts";
import type { Scope } from "./evaluate.ts";
import { blockOf, branchPath, compensationSteps, pathOf, stepAt } from "./path.ts";
import { undone } from "./stack.ts";
import type { BlockState, BranchState, Failure, StackEntry, StepState } from "./state.ts";

/** One level of the tree: a block, its steps, the path before them, and what surrounds it. */
export interface Frame {
  readonly steps: readonly Step[];
  readonly block: BlockState;
  readonly prefix: string;
  /** What `error` means in this block: set inside a catch block and in a compensation. */
  readonly error?: Failure;
  /** Why nothing new begins here and what is in progress is ended. */
  readonly closing?: Failure;
  /** The blocks whose `catch` may take a failure that leaves this one; innermost first. */
  readonly around: readonly Step[];
  /** What becomes of a failure that nothing catches: it goes outward, or it stops here for a person. */
  readonly uncaught: "outward" | "parks";
  /** Inside a list of compensating steps, which are not compensated themselves. */
  readonly undoes: boolean;
}

/** A step in progress, with what surrounds it. */
export interface Place<S extends StepState = StepState> {
  readonly frame: Frame;
  readonly step: Step;
  readonly path: string;
  readonly state: S;
}

/** The saga's own steps. */
export function rootFrame({ definition, state }: Draft): Frame {
  return {
    steps: definition.steps,
    block: state.root,
    prefix: "",
    around: [],
    uncaught: state.pivotPassed ? "parks" : "outward",
    undoes: false,
    ...(state.closing === undefined ? {} : { closing: state.closing }),
  };
}

/** How what stands on the stack is undone; undefined: it is not. */
export function compensationOf(draft: Draft, entry: StackEntry): Compensation | undefined {
  const step = stepAt(draft.definition, entry.path);
  return step?.kind === "command" || step?.kind === "saga" ? step.compensate : undefined;
}

/** The list of steps that undoes an entry, when such a list is in progress (S8). */
export function listFrame(draft: Draft, entry: StackEntry): Frame | undefined {
  const compensation = compensationOf(draft, entry);
  const step = stepAt(draft.definition, entry.path);
  if (entry.undo?.kind !== "steps" || compensation === undefined || step === undefined) return undefined;
  const error = draft.state.failure ?? entry.undo.error;
  return {
    steps: compensationSteps(step, compensation),
    block: entry.undo.root,
    prefix: `${entry.path}/compensate`,
    around: [],
    uncaught: compensation.optional ? "outward" : "parks",
    undoes: true,
    ...(error === undefined ? {} : { error }),
  };
}

/** What `error` is in the expressions of a frame. */
export function errorIn(frame: Frame): Scope {
  return frame.error === undefined ? {} : { error: errorOf(frame.error) };
}

/** The step in progress of a frame. */
export function inProgress(frame: Frame): Place | undefined {
  const step = frame.steps[frame.block.at];
  const state = frame.block.current;
  return step === undefined || state === undefined
    ? undefined
    : { frame, step, path: pathOf(frame.prefix, step.id), state };
}

/** The step in progress has ended well: on to the next one. */
export function leave(frame: Frame): void {
  delete frame.block.current;
  frame.block.at += 1;
}

/** Opens a block below a step: the branch of a choice, or what catches the step's failure. */
export function open(frame: Frame, branch: string, error?: Failure): void {
  frame.block.current = { kind: "block", branch, block: { at: 0 }, ...(error === undefined ? {} : { error }) };
}

/** The frame of the block that is open below a step. */
export function blockFrame({ frame, step, path, state }: Place<Extract<StepState, { kind: "block" }>>): Frame {
  const error = state.error ?? frame.error;
  return {
    ...frame,
    steps: blockOf(step, state.branch),
    block: state.block,
    prefix: branchPath(path, state.branch),
    ...(error === undefined ? {} : { error }),
  };
}

export type Branches = Extract<StepState, { kind: "branches" }>;

/** The frame of a branch in progress. */
export function branchFrame(at: Place<Branches>, id: string, block: BlockState): Frame {
  const { frame, step, path, state } = at;
  const closing = frame.closing ?? over(path, state);
  return {
    ...frame,
    steps: blockOf(step, id),
    block,
    prefix: branchPath(path, id),
    around: [step, ...frame.around],
    ...(closing === undefined ? {} : { closing }),
  };
}

/** Why a branch is closed: another has finished first, or another has failed. */
function over(path: string, { winner, failure }: Branches): Failure | undefined {
  const message =
    winner === undefined ? failure && `another branch failed: ${failure.code}` : `${winner} has finished first`;
  return message === undefined ? undefined : { code: "branch.closed", message, step: path, kind: "cancelled" };
}

/**
 * Branches in progress in the order of the definition. That of their keys says nothing: `jsonb` keeps its own, so that it
 * depends on whether a state was read or remembered.
 */
export function branchesOf(step: Step, branches: Readonly<Record<string, BranchState>>): [string, BranchState][] {
  const entries = Object.entries(branches);
  if (step.kind !== "parallel") return entries;
  const order = step.branches.map(({ id }) => id);
  return entries.sort(([one], [other]) => order.indexOf(one) - order.indexOf(other));
}

/** Every step in progress, outermost first: those of the saga, and those of lists that compensate. */
export function placesOf(draft: Draft): Place[] {
  const lists = undone(draft).flatMap((entry) => {
    const frame = listFrame(draft, entry);
    return frame === undefined ? [] : placesIn(frame);
  });
  return [...placesIn(rootFrame(draft)), ...lists];
}

function placesIn(frame: Frame): Place[] {
  const at = inProgress(frame);
  if (at === undefined) return [];
  return [at, ...framesBelow(at).flatMap(placesIn)];
}

function framesBelow(at: Place): Frame[] {
  const { state } = at;
  if (state.kind === "block") return [blockFrame({ ...at, state })];
  if (state.kind !== "branches") return [];
  return branchesOf(at.step, state.branches).flatMap(([id, branch]) =>
    "root" in branch ? [branchFrame({ ...at, state }, id, branch.root)] : [],
  );
}

/** The step in progress at a path. */
export function placeAt(draft: Draft, path: string): Place | undefined {
  return placesOf(draft).find((place) => place.path === path);
}
