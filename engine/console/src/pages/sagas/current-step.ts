import type { Saga } from "../../data/shapes.ts";

/** The step that the saga is at: what is parked, also where it is undone; of several the newest. */
export function currentStep({ steps }: Saga) {
  return steps.findLast(({ status }) => status === "parked") ?? steps.findLast(({ finishedAt }) => finishedAt === null);
}
