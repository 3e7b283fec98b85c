import type { CommandStep, NotifyStep, Retry } from "./definition.ts";
import type { Draft } from "./draft.ts";
import type { Json, JsonObject } from "./json.ts";
import type { StepState } from "./state.ts";

export type CommandState = Extract<StepState, { kind: "command" }>;

/** Sends the next attempt of a command. `supersedes`: the message that it replaces. */
export function sendCommand(
  draft: Draft,
  step: CommandStep,
  path: string,
  state: CommandState,
  supersedes?: string,
): void {
  state.attempt += 1;
  state.used += 1;
  state.phase = "sent";
  delete state.failure;
  delete draft.state.timers[`retry:${path}`];
  draft.step({ path, status: "running", attempts: state.attempt });
  draft.send({
    topic: step.command,
    type: "step.requested",
    path,
    action: actionOf(step.command),
    attempt: state.attempt,
    headers: { timeoutMs: step.timeoutMs, ...(supersedes === undefined ? {} : { supersedes }) },
    body: { input: state.input },
  });
}

/** Sends the next attempt, and counts from the start. */
export function sendAnew(
  draft: Draft,
  step: CommandStep,
  path: string,
  state: CommandState,
  supersedes?: string,
): void {
  deadlineAnew(draft, step, path, state);
  state.used = 0;
  sendCommand(draft, step, path, state, supersedes);
}

/** A parked step has no deadline; one that is awaited again has it anew. Up to version 3 it had none from then on. */
export function deadlineAnew(draft: Draft, step: CommandStep, path: string, { phase }: CommandState): void {
  if (phase === "parked" && draft.semantics >= 4) beginDeadline(draft, step, path);
}

export function beginDeadline(draft: Draft, { deadlineMs }: CommandStep, path: string): void {
  if (deadlineMs !== undefined) draft.setTimer(`deadline:${path}`, deadlineMs);
}

/** Sends a notify step: its participant retries within this one message, nobody awaits an answer. */
export function sendNotification(draft: Draft, step: NotifyStep, path: string, input: Json): void {
  draft.step({ path, status: "succeeded", attempts: 1, started: true, finished: true });
  draft.send({
    topic: step.command,
    type: "step.requested",
    path,
    action: actionOf(step.command),
    attempt: 1,
    headers: { timeoutMs: step.timeoutMs, notify: true, retry: retryHeader(step.retry) },
    body: { input },
  });
}

/** `register` of `application.register`. */
export function actionOf(command: string): string {
  return command.slice(command.indexOf(".") + 1);
}

function retryHeader(policy: Retry): JsonObject {
  return {
    attempts: policy.attempts,
    backoffMs: policy.backoffMs,
    factor: policy.factor,
    maxMs: policy.maxMs,
    jitter: policy.jitter,
    also: policy.also,
    never: policy.never,
  };
}
