import { actionOf } from "./command.ts";
import type { CommandCompensation, CommandStep } from "./definition.ts";
import { type Draft, errorOf, faultOf } from "./draft.ts";
import { park } from "./park.ts";
import { stepAt, stepKey } from "./path.ts";
import { entryAt } from "./stack.ts";
import type { Failure, StackEntry, UndoState } from "./state.ts";

export type CommandUndo = Extract<UndoState, { kind: "command" }>;

/** A compensation by a command that is in progress. */
export interface Compensating {
  readonly entry: StackEntry;
  readonly step: CommandStep;
  readonly undo: CommandUndo;
  readonly compensation: CommandCompensation;
}

/** Sends the next attempt of a compensation, on its step's own topic (S6). `supersedes`: the message that it replaces. */
export function sendCompensation(
  draft: Draft,
  entry: StackEntry,
  compensation: CommandCompensation,
  undo: CommandUndo,
  supersedes?: string,
): void {
  const step = stepAt(draft.definition, entry.path) as CommandStep;
  const { path } = entry;
  delete draft.state.timers[`retry:${path}`];
  try {
    const because = draft.state.failure ?? undo.error;
    const error = because === undefined ? {} : { error: errorOf(because) };
    const rendered = compensation.with === undefined ? entry.input : draft.render(path, compensation.with, error);
    const input = undo.input === undefined ? rendered : undo.input;
    const key = stepKey(draft.facts.id, path);
    const known = entry.output === undefined ? {} : { output: entry.output };
    const body = { input, compensates: { stepKey: key, input: entry.input, ...known } };
    draft.mustFit(body, "the compensation");
    undo.attempt += 1;
    undo.used += 1;
    undo.phase = "sent";
    draft.step({ path, status: "compensating" });
    draft.send({
      topic: step.command,
      type: "compensation.requested",
      path,
      action: actionOf(compensation.command),
      attempt: undo.attempt,
      headers: { timeoutMs: compensation.timeoutMs, ...(supersedes === undefined ? {} : { supersedes }) },
      body,
    });
  } catch (error) {
    parkCompensation(draft, path, undo, faultOf(error, path));
  }
}

/** The compensation in progress at a path. */
export function compensatingAt(draft: Draft, path: string): Compensating | undefined {
  const entry = entryAt(draft, path);
  const step = stepAt(draft.definition, path);
  if (entry?.undo?.kind !== "command" || step?.kind !== "command" || step.compensate?.kind !== "command") {
    return undefined;
  }
  return { entry, step, undo: entry.undo, compensation: step.compensate };
}

/** Stops at a compensation for a person; entries below wait (S8). */
export function parkCompensation(draft: Draft, path: string, undo: CommandUndo, failure: Failure): void {
  undo.phase = "parked";
  undo.failure = failure;
  park(draft, path, failure);
}
