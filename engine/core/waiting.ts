import type { Definition } from "./definition.ts";
import { frames, inProgress, innermost } from "./frame.ts";
import type { SagaState, Waiting } from "./state.ts";

/** The signals that the saga waits for now. */
export function waitingFor(definition: Definition, state: SagaState): Waiting[] {
  if (state.status !== "running") return [];
  const at = inProgress(innermost(frames(definition, state)));
  if (at?.step.kind !== "wait" || at.state.kind !== "wait") return [];
  return [{ signal: at.step.signal, path: at.path, deadlineAt: state.timers[`deadline:${at.path}`] ?? null }];
}
