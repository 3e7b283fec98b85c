import { fail, pendingAt, reject, succeed } from "./answer.ts";
import { compensated } from "./backward.ts";
import { cancel } from "./cancel.ts";
import { childEnded } from "./child-answer.ts";
import { childCompensated } from "./child-entries.ts";
import { beginReversal, isRevocable, released } from "./child-side.ts";
import { compensatingAt } from "./compensation.ts";
import type { Decision } from "./decision.ts";
import type { Definition } from "./definition.ts";
import { edit } from "./edit.ts";
import { Draft, GuardNeeded } from "./draft.ts";
import type { Evaluator } from "./evaluate.ts";
import type { Read, SagaEvent } from "./event.ts";
import { advance } from "./forward.ts";
import { retry } from "./operator.ts";
import { takeStatus } from "./park.ts";
import { resolve } from "./resolve.ts";
import { receive } from "./signal.ts";
import { skip } from "./skip.ts";
import { isFinal, type SagaFacts, type SagaState } from "./state.ts";
import type { Stored } from "./stored.ts";
import { terminate } from "./terminate.ts";
import { beginLife, fire } from "./timer.ts";
import { compensationFailed } from "./undo-answer.ts";
import { waitingFor } from "./waiting.ts";

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
 * `stored` is where a long saga's parts lie; without it everything stays in the state.
 */
export function decide(
  definition: Definition,
  facts: SagaFacts,
  state: SagaState,
  event: SagaEvent,
  read: Read,
  evaluator: Evaluator,
  stored?: Stored,
): Decision {
  if (isFinal(state.status) && !concerns(facts, state, event)) return { kind: "no-op", reason: "final" };
  const draft = new Draft(definition, facts, state, read, evaluator, stored);
  try {
    const refused = apply(draft, event);
    if (refused !== undefined) return { kind: "no-op", reason: refused };
    advance(draft);
  } catch (error) {
    if (error instanceof GuardNeeded) return needs(error);
    throw error;
  }
  takeStatus(draft);
  draft.state.waitingFor = waitingFor(draft);
  return draft.finish();
}

const FROM_PARENT: readonly SagaEvent["type"][] = ["compensate.requested", "child.released", "parent.terminated"];

/** What was ended while something of it ran settles that. A completed child whose parent may take it back hears its parent, and while it undoes its stack all that belongs to that. */
function concerns(facts: SagaFacts, state: SagaState, event: SagaEvent): boolean {
  if (state.winding) return event.type === "timer.fired";
  if (facts.parent === undefined || !isRevocable(state)) return false;
  if (FROM_PARENT.includes(event.type)) return true;
  return state.reversal === "running" && event.type !== "cancel.requested" && event.type !== "signal.received";
}

function needs({ path, keepStarted }: GuardNeeded): Decision {
  return { kind: "needs", path, ...(keepStarted ? { keepStarted } : {}) };
}

type Refused = Extract<Decision, { kind: "no-op" }>["reason"];

function apply(draft: Draft, event: SagaEvent): Refused | undefined {
  switch (event.type) {
    case "saga.started":
      beginLife(draft);
      return undefined;
    case "step.succeeded":
    case "step.rejected":
    case "step.failed":
      return answer(draft, event);
    case "compensation.succeeded":
    case "compensation.skipped":
      return undo(draft, event.path, event.type === "compensation.succeeded" ? "compensated" : "closed");
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
    case "skip.requested":
      return skip(draft, event.step, event.reason);
    case "resolve.requested":
      return resolve(draft, event.step, event.result);
    case "terminate.requested":
    case "parent.terminated":
      terminate(draft, event);
      return undefined;
    case "edit.requested":
      return edit(draft, event) ? undefined : "not-editable";
    case "child.ended":
      return childEnded(draft, event) ? undefined : "late";
    case "child.compensated":
      return childCompensated(draft, event) ? undefined : "late";
    case "compensate.requested":
      return isRevocable(draft.state) && beginReversal(draft) ? undefined : "late";
    case "child.released":
      return isRevocable(draft.state) && released(draft) ? undefined : "late";
  }
}

function undo(draft: Draft, path: string, outcome: "compensated" | "closed"): Refused | undefined {
  const at = compensatingAt(draft, path);
  if (at === undefined) return "late";
  compensated(draft, at.entry, outcome);
  return undefined;
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
