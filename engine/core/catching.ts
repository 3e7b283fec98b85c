import type { Step } from "./definition.ts";
import type { Place } from "./frame.ts";
import type { Failure } from "./state.ts";

/** The catch block of a step for a failure: its own code before its class before `any`. */
export function catching(step: Step, failure: Failure): string | undefined {
  if (!("catch" in step) || failure.kind === "fault" || failure.kind === "cancelled") return undefined;
  const wanted = [failure.code, failure.kind, "any"];
  const code = wanted.find((candidate) => step.catch.some((entry) => entry.code === candidate));
  return code === undefined ? undefined : `catch/${code}`;
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
