import type { GraphBox, SagaStep } from "../../data/shapes.ts";
import { isStuckBackward, numberless } from "./places.ts";

/** What is in a picture and is no step. */
const NO_STEP = new Set(["undo", "start", "completed", "if", "join"]);
const BACKWARD = new Set(["compensating", "compensated", "kept"]);

/**
 * Paths of the steps that a run has not come to, in the order of its definition: all behind the last that it has come to,
 * the ways of a block each for itself. Of a block that it is in it says nothing: which way it will take is not known.
 * `failedAt`: where it failed, which may be a step that leaves no row.
 */
export function aheadOf(
  boxes: readonly GraphBox[],
  steps: readonly SagaStep[],
  failedAt: string | null = null,
): readonly string[] {
  const paths = boxes.flatMap(({ kind, path }) => (path === null || NO_STEP.has(kind) ? [] : [path]));
  const reached = new Set([...steps.map(({ path }) => path), ...(failedAt === null ? [] : [failedAt])].map(topOf));
  const last = paths.findLastIndex((path) => reached.has(topOf(path)));
  const ahead = paths.slice(last + 1).filter((path) => !path.includes("/catch/"));
  return ahead.filter((path) => !ahead.some((other) => other.startsWith(`${path}/`) || other.startsWith(`${path}[`)));
}

/** `3/5`: attempts, of those that the definition allows; undefined: there is nothing to say. */
export function attemptsText(step: SagaStep, boxes: readonly GraphBox[]): string | undefined {
  const { path, status, attempts } = step;
  const most = boxes.find((box) => box.kind !== "undo" && box.path === numberless(path))?.attempts ?? null;
  const isForward = !BACKWARD.has(status) && !isStuckBackward(step);
  const isTrying = attempts > 1 || status === "retrying" || status === "parked";
  // Whoever retries by hand goes beyond what the definition allows.
  if (isForward && isTrying && most !== null && attempts <= most) return `${attempts}/${most}`;
  return attempts > 1 ? `×${attempts}` : undefined;
}

/** Name of the step at the top of the definition in which a path lies. */
function topOf(path: string): string {
  return /^[^/[]*/.exec(path)?.[0] ?? path;
}
