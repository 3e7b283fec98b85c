import type { GraphBox, Saga, SagaStep } from "../../data/shapes.ts";

/** How a step of the definition stands in a run; of an `each` all its items together. */
export interface Place {
  readonly status: string;
  readonly attempts: number;
  readonly items: number;
  /** It had ended, and is parked where it is undone. */
  readonly backward: boolean;
  /** Path of the item that says the most. */
  readonly path: string;
}

/** What says more about several items comes first. */
const WEIGHT = [
  "parked",
  "compensating",
  "retrying",
  "failed",
  "rejected",
  "waiting",
  "running",
  "kept",
  "compensated",
];

/** A path as the definition knows it: the same for every item of an `each`. */
export function numberless(path: string): string {
  return path.replaceAll(/\[\d+\]/g, "[]");
}

/** How each step of the definition stands, by its path without numbers. */
export function placesOf(steps: readonly SagaStep[]): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  for (const step of steps) {
    const { path, status, attempts } = step;
    const place = numberless(path);
    const known = places.get(place);
    const items = (known?.items ?? 0) + 1;
    if (known !== undefined && weight(known.status) <= weight(status)) places.set(place, { ...known, items });
    else places.set(place, { status, attempts, items, backward: isStuckBackward(step), path });
  }
  return places;
}

/** Steps that hold no others. */
export function leavesOf(steps: readonly SagaStep[]): readonly SagaStep[] {
  // Every beginning of a path that ends where a name does.
  const holders = new Set(
    steps.flatMap(({ path }) => [...path.matchAll(/[/[]/g)].map(({ index }) => path.slice(0, index))),
  );
  return steps.filter(({ path }) => !holders.has(path));
}

function weight(status: string): number {
  const at = WEIGHT.indexOf(status);
  return at === -1 ? WEIGHT.length : at;
}

/** How a step and its compensation stand as a pair. */
export type Pair = "done" | "compensated" | "busy" | "failed" | "nothing" | "kept";

/** A step that can be undone, and how far that is. */
export interface Undoable {
  readonly step: SagaStep;
  readonly pair: Pair;
}

/** Steps of a run that its definition can undo, in the order in which they were reached. */
export function undoablesOf(
  saga: Saga,
  boxes: readonly GraphBox[],
  steps: readonly SagaStep[] = saga.steps,
): readonly Undoable[] {
  const undone = new Set(boxes.filter(({ kind }) => kind === "undo").map(({ path }) => path));
  return steps.filter(({ path }) => undone.has(numberless(path))).map((step) => ({ step, pair: pairOf(step, saga) }));
}

/** What says more about several items comes first. */
const PAIR_WEIGHT: readonly Pair[] = ["failed", "busy", "done", "kept", "compensated", "nothing"];

/** How each step that can be undone stands with its compensation, by its path without numbers, in the order of the run. */
export function pairsByPlace(undoables: readonly Undoable[]): ReadonlyMap<string, Pair> {
  const pairs = new Map<string, Pair>();
  for (const { step, pair } of undoables) {
    const place = numberless(step.path);
    const known = pairs.get(place);
    if (known === undefined || PAIR_WEIGHT.indexOf(pair) < PAIR_WEIGHT.indexOf(known)) pairs.set(place, pair);
  }
  return pairs;
}

/** A step that has ended and is parked all the same: what undoes it has failed. */
export function isStuckBackward({ status, finishedAt }: SagaStep): boolean {
  return status === "parked" && finishedAt !== null;
}

function pairOf(step: SagaStep, saga: Saga): Pair {
  const { path, status } = step;
  if (saga.uncompensated.some(({ step }) => step === path)) return "kept";
  if (status === "compensated") return "compensated";
  if (status === "kept") return "kept";
  if (status === "compensating") return "busy";
  if (isStuckBackward(step)) return "failed";
  return status === "succeeded" ? "done" : "nothing";
}

/** Whether anything of the run was, or is being, undone. */
export function isUndoing({ status, steps }: Saga): boolean {
  return (
    status === "compensating" ||
    steps.some((step) => ["compensating", "compensated", "kept"].includes(step.status) || isStuckBackward(step))
  );
}

/** Steps that wait for a person. */
export function parkedSteps({ steps, error, status }: Saga): readonly string[] {
  if (status !== "parked") return [];
  const parked = steps.filter((step) => step.status === "parked").map(({ path }) => path);
  return parked.length > 0 ? parked : error?.step === undefined || error.step === null ? [] : [error.step];
}
