import { fail, pendingAt, reject, succeed } from "./answer.ts";
import { compensated, compensatingAt, compensationFailed } from "./backward.ts";
import { cancel } from "./cancel.ts";
import type { Decision } from "./decision.ts";
import type { Definition } from "./definition.ts";
import { Draft, GuardNeeded } from "./draft.ts";
import type { Evaluator } from "./evaluate.ts";
import type { Read, SagaEvent } from "./event.ts";
import { advance } from "./forward.ts";
import { retry } from "./operator.ts";
import { receive } from "./signal.ts";
import { isFinal, type SagaFacts, type SagaState } from "./state.ts";
import { fire } from "./timer.ts";
import { waitingFor } from "./waiting.ts";

/** Version of these semantics; recorded with every transition, so that a fold knows by which rules it was made. */
export const SEMANTICS = 1;

/** The state before the first event. */
export function newborn(): SagaState {
  return {
    status: "running",
    root: { at: 0 },
    outputs: {},
    stack: [],
    pivotPassed: false,
    mailbox: [],
    timers: {},
    uncompensated: [],
    waitingFor: [],
  };
}

/**
 * The whole orchestrator. No clock, no database, no topic: the same definition, state, event and read always decide
 * the same. `needs` asks for a step's guard: settle it (design S3), add the outcome to `read`, and decide again.
 */
export function decide(
  definition: Definition,
  facts: SagaFacts,
  state: SagaState,
  event: SagaEvent,
  read: Read,
  evaluator: Evaluator,
): Decision {
  if (isFinal(state.status)) return { kind: "no-op", reason: "final" };
  const draft = new Draft(definition, facts, state, read, evaluator);
  try {
    const refused = apply(draft, event);
    if (refused !== undefined) return { kind: "no-op", reason: refused };
  } catch (error) {
    if (error instanceof GuardNeeded) return needs(error);
    throw error;
  }
  draft.state.waitingFor = waitingFor(draft.definition, draft.state);
  return draft.finish();
}

function needs({ path, keepStarted }: GuardNeeded): Decision {
  return { kind: "needs", path, ...(keepStarted ? { keepStarted } : {}) };
}

type Refused = Extract<Decision, { kind: "no-op" }>["reason"];

function apply(draft: Draft, event: SagaEvent): Refused | undefined {
  switch (event.type) {
    case "saga.started":
      advance(draft);
      return undefined;
    case "step.succeeded":
    case "step.rejected":
    case "step.failed":
      return answer(draft, event);
    case "compensation.succeeded":
    case "compensation.skipped":
      if (compensatingAt(draft, event.path) === undefined) return "late";
      compensated(draft, event.path, event.type === "compensation.succeeded" ? "compensated" : "nothing");
      return undefined;
    case "compensation.failed":
      return compensationFailed(draft, event) ? undefined : "late";
    case "signal.received":
      receive(draft, event);
      return undefined;
    case "timer.fired":
      return fire(draft, event.timer, event.dueAt) ? undefined : "stale";
    case "cancel.requested":
      return cancel(draft, event.reason);
    case "retry.requested":
      return retry(draft, event.step) ? undefined : "not-parked";
  }
}

type AnswerEvent = Extract<SagaEvent, { type: "step.succeeded" | "step.rejected" | "step.failed" }>;

function answer(draft: Draft, event: AnswerEvent): Refused | undefined {
  const pending = pendingAt(draft, event.path);
  if (pending === undefined || pending.state.held !== undefined) return "late";
  if (event.type === "step.failed") return fail(draft, pending, event) ? undefined : "late";
  if (event.type === "step.succeeded") succeed(draft, pending, event.output);
  else reject(draft, pending, event);
  return undefined;
}
