import { newborn } from "../../engine/core/decide.ts";
import type { Decision, Outgoing, Transition } from "../../engine/core/decision.ts";
import type { Definition } from "../../engine/core/definition.ts";
import type { Evaluator } from "../../engine/core/evaluate.ts";
import type { ChildEnded, GuardOutcome, SagaEvent } from "../../engine/core/event.ts";
import type { Json, JsonObject } from "../../engine/core/json.ts";
import type { Parent, SagaFacts, SagaState, UndoState } from "../../engine/core/state.ts";
import { createEvaluator } from "../../engine/definition/expression.ts";
import { define } from "./explorer/model.ts";
import { decideTwice } from "./twin.ts";

const STARTED = "2026-01-01T00:00:00.000Z";
const evaluator = createEvaluator();

/** One saga driven by hand: give it events, read what it sent. Guards stand in a table; a missing one is closed. */
export class SagaRun {
  readonly definition: Definition;
  readonly facts: SagaFacts;
  readonly guards: Record<string, GuardOutcome> = {};
  /** What was sent since the last look, in words: `apply #1`, `undo apply #1`, `saga.failed`. */
  #sent: string[] = [];
  state: SagaState = newborn();
  messages: Outgoing[] = [];
  steps: Record<string, string> = {};
  now = STARTED;
  /** What the evaluator throws, to see what becomes of it. */
  breaks: Error | undefined;
  readonly #evaluator: Evaluator = {
    evaluate: (expression, scope) => {
      if (this.breaks !== undefined) throw this.breaks;
      return evaluator.evaluate(expression, scope);
    },
    fieldsOf: evaluator.fieldsOf,
  };

  constructor(yaml: string, input: JsonObject = {}, parent?: Parent) {
    this.definition = define(`saga: test\nversion: 1\n${yaml}`);
    this.facts = {
      id: "S",
      key: null,
      version: 1,
      startedAt: STARTED,
      input,
      ...(parent === undefined ? {} : { parent }),
    };
  }

  /** Applies an event. Returns the transition, or why it moved nothing. */
  apply(event: SagaEvent): Transition | string {
    const decision = this.#decide(event);
    if (decision.kind === "no-op") return decision.reason;
    if (decision.kind === "needs") throw new Error("unreachable: every guard is answered");
    this.state = decision.state;
    this.messages.push(...decision.outgoing);
    this.#sent.push(...decision.outgoing.map(inWords));
    for (const step of decision.steps) this.steps[step.path] = step.status;
    for (const path of decision.reopen) delete this.guards[path];
    for (const path of decision.keep) this.guards[path] = { state: "kept" };
    for (const { path, state, output } of decision.resolved ?? []) {
      this.guards[path] = state === "done" ? { state, output } : { state };
    }
    return decision;
  }

  /** What an event decides before any guard is known. */
  asks(event: SagaEvent): Decision {
    return decideTwice(this.definition, this.facts, this.state, event, { now: this.now, guards: {} }, this.#evaluator);
  }

  #decide(event: SagaEvent): Decision {
    const asked: Record<string, GuardOutcome> = {};
    for (;;) {
      const read = { now: this.now, guards: { ...asked } };
      const decision = decideTwice(this.definition, this.facts, this.state, event, read, this.#evaluator);
      if (decision.kind !== "needs") return decision;
      const outcome = this.guards[decision.path] ?? { state: "closed" };
      asked[decision.path] = outcome;
      if (outcome.state === "closed") this.guards[decision.path] = outcome;
    }
  }

  /** What was sent since the last call. */
  sent(): string[] {
    const sent = this.#sent;
    this.#sent = [];
    return sent;
  }

  start(): this {
    this.apply({ type: "saga.started" });
    return this;
  }

  succeed(path: string, output: Json = {}, attempt = 1): Transition | string {
    this.guards[path] = { state: "done", output };
    return this.apply({ type: "step.succeeded", path, attempt, output });
  }

  reject(path: string, code = "refused", attempt = 1): Transition | string {
    this.guards[path] = { state: "rejected", code, message: "no" };
    return this.apply({ type: "step.rejected", path, attempt, code, message: "no" });
  }

  fail(
    path: string,
    attempt = 1,
    more: { code?: string; retryable?: boolean; unknown?: boolean } = {},
  ): Transition | string {
    const how = { code: "exception", message: "broken", retryable: true, unknown: false, ...more };
    return this.apply({ type: "step.failed", path, attempt, ...how });
  }

  compensated(path: string, attempt = 1): Transition | string {
    return this.apply({ type: "compensation.succeeded", path, attempt });
  }

  compensationFails(path: string, attempt = 1, retryable = true): Transition | string {
    return this.apply({ type: "compensation.failed", path, attempt, code: "exception", message: "broken", retryable });
  }

  /** Fires a timer that is set; its time has come. */
  fire(timer: string): Transition | string {
    const dueAt = this.state.timers[timer];
    if (dueAt === undefined)
      throw new Error(`timer ${timer} is not set, but ${Object.keys(this.state.timers).join(", ")}`);
    this.now = dueAt;
    return this.apply({ type: "timer.fired", timer, dueAt });
  }

  signal(signal: string, payload: Json = {}, messageId = "m1"): Transition | string {
    return this.apply({ type: "signal.received", messageId, signal, payload });
  }

  cancel(): Transition | string {
    return this.apply({ type: "cancel.requested", reason: "asked" });
  }

  retry(step?: string): Transition | string {
    return this.apply({ type: "retry.requested", ...(step === undefined ? {} : { step }) });
  }

  skip(step: string): Transition | string {
    return this.apply({ type: "skip.requested", step, reason: "not needed" });
  }

  resolve(step: string, result: Json = {}): Transition | string {
    return this.apply({ type: "resolve.requested", step, result });
  }

  terminate(): Transition | string {
    return this.apply({ type: "terminate.requested", reason: "enough" });
  }

  /** The child that a step has started. */
  childAt(path: string): string {
    const child = this.state.stack.find((entry) => entry.path === path)?.child;
    if (child === undefined) throw new Error(`${path} has no child on the stack`);
    return child.id;
  }

  /** The child of a step has ended. */
  childEnded(path: string, status: ChildEnded["status"], more: Partial<ChildEnded> = {}): Transition | string {
    const nothing = { code: "", message: "", output: null, pivotPassed: false, uncompensated: false };
    return this.apply({ type: "child.ended", path, child: this.childAt(path), status, ...nothing, ...more });
  }

  /** How far the compensation of the newest entry on the stack is. */
  undoing(): UndoState | undefined {
    return this.state.stack.at(-1)?.undo;
  }

  /** Milliseconds from now until a timer is due. */
  dueIn(timer: string): number {
    return Date.parse(this.state.timers[timer] ?? "") - Date.parse(this.now);
  }
}

function inWords(message: Outgoing): string {
  if (message.topic === "timeline") return message.type;
  const verb = message.type === "compensation.requested" ? "undo " : "";
  return `${verb}${message.path} #${message.attempt}`;
}
