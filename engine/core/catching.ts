import type { CommandStep, Step } from "./definition.ts";
import type { Draft } from "./draft.ts";
import type { Place } from "./frame.ts";
import type { Failure } from "./state.ts";

/** The catch block of a step for a failure: its own code before its class before `any`. */
export function catching(step: Step, failure: Failure): string | undefined {
  if (!("catch" in step) || failure.kind === "fault" || failure.kind === "cancelled") return undefined;
  const wanted = [failure.code, failure.kind, "any"];
  const code = wanted.find((candidate) => step.catch.some((entry) => entry.code === candidate));
  return code === undefined ? undefined : `catch/${code}`;
}

/** What the participant says of a handler that returned no outcome, or one that breaks its schema. */
const BROKEN_OUTPUT: readonly string[] = ["step.output", "step.code"];

/** Why an attempt failed. A broken output is a fault like one of `returns`: the handler has to be mended (S16). */
export function attemptFailure(
  draft: Draft,
  step: CommandStep,
  { path, code, message }: { readonly path: string; readonly code: string; readonly message: string },
): Failure {
  const failure = { code, message, step: path };
  // Up to version 2 it was a failure like any other, which a `catch` might take.
  if (draft.semantics < 3 || !BROKEN_OUTPUT.includes(code)) return { ...failure, kind: "failed" };
  return { ...failure, kind: "fault", line: step.at.line, column: step.at.column };
}

/** Whether the step or a block around it catches a failure. */
export function isCaught({ step, frame }: Place, failure: Failure): boolean {
  return [step, ...frame.around].some((one) => catching(one, failure) !== undefined);
}

/**
 * Past the pivot, and in a compensation that must succeed, a step that nothing catches is never given up: it parks, and
 * a step on which the saga is parked is not settled (design §3), for a retry would be refused by a guard that says `closed`.
 */
export function parksUnsettled(place: Place, failure: Failure): boolean {
  const { frame } = place;
  return frame.uncaught === "parks" && frame.closing === undefined && !isCaught(place, failure);
}
