import type { Draft } from "./draft.ts";
import { placesOf } from "./frame.ts";
import type { Waiting } from "./state.ts";

/** The signals that the saga waits for now. */
export function waitingFor(draft: Draft): Waiting[] {
  return placesOf(draft).flatMap(({ step, path, state }) =>
    step.kind === "wait" && state.kind === "wait"
      ? [{ signal: step.signal, path, deadlineAt: draft.state.timers[`deadline:${path}`] ?? null }]
      : [],
  );
}
