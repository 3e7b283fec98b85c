import type { Outgoing } from "../core/decision.ts";
import type { Step } from "../core/definition.ts";
import type { ActionDescription, DomainCatalog } from "../core/domain.ts";
import type { GuardOutcome } from "../core/event.ts";
import { isJsonObject, type Json } from "../core/json.ts";
import { Children } from "./children.ts";
import type { Letter, Reply } from "./letter.ts";
import type { Outcome, Plan } from "./plan.ts";
import { sampleOfSchema, sampleOfShape } from "./sample.ts";
import { type StepWords, withoutIndex } from "./step-words.ts";

type Guard = GuardOutcome | { readonly state: "started"; readonly untilMs: number };

const DEFAULT_TIMEOUT_MS = 30_000;

/** All participants of a simulated saga: each step's guard, and the outcomes that were planned. */
export class Participants {
  readonly #plan: Plan;
  readonly #words: StepWords;
  readonly #catalog: DomainCatalog | null;
  readonly #guards = new Map<string, Guard>();
  readonly #used = new Set<string>();
  readonly #children: Children;

  constructor(plan: Plan, words: StepWords, catalog: DomainCatalog | null) {
    this.#plan = plan;
    this.#words = words;
    this.#catalog = catalog;
    this.#children = new Children(
      (path, undo, attempt) => this.#planned(path, undo, attempt),
      (path, given) => withFields(madeOutput(this.#stepAt(path), undefined, false), given),
    );
  }

  /** Planned outcomes of steps that were never asked for. */
  unused(): readonly string[] {
    return Object.keys(this.#plan.outcomes).filter((word) => !this.#used.has(word));
  }

  /** Takes a message that the saga sent; undefined when it goes to no participant. */
  send(message: Outgoing, nowMs: number): Letter | undefined {
    const { type, path, attempt = 1, to } = message;
    if (to !== undefined) return this.#children.send(message, to, nowMs);
    if (path === undefined || (type !== "step.requested" && type !== "compensation.requested")) return undefined;
    const undo = type === "compensation.requested";
    const outcome = this.#planned(path, undo, attempt);
    const letter = { message, path, attempt, undo, sentAtMs: nowMs, outcome };
    if (outcome.end === "silent") return letter;
    if (outcome.afterMs !== undefined && !undo && this.#isExternal(message)) this.#call(path, message, nowMs);
    return { ...letter, arrivesAtMs: nowMs + (outcome.afterMs ?? 0) };
  }

  /** The participant runs a letter, or its guard says that it may not. */
  deliver(letter: Letter): Reply {
    if (letter.message.to !== undefined) return this.#children.deliver(letter);
    const guard = this.#guards.get(letter.path);
    return letter.undo ? this.#undo(letter, guard) : this.#run(letter, guard);
  }

  /** Finds out how a step stands, as the dispatcher does when it gives one up. */
  settle(path: string, nowMs: number, keepStarted: boolean): GuardOutcome {
    const guard = this.#guards.get(path);
    if (guard === undefined) {
      this.#guards.set(path, { state: "closed" });
      return { state: "closed" };
    }
    if (guard.state !== "started") return guard;
    if (nowMs < guard.untilMs) return { state: "running" };
    if (!keepStarted) this.#guards.set(path, { state: "unknown" });
    return { state: "unknown" };
  }

  /** A rejection is to be tried again. */
  reopen(path: string): void {
    this.#guards.delete(path);
  }

  /** A compensation is given up. */
  keep(path: string): void {
    this.#guards.set(path, { state: "kept" });
  }

  /** The payload of a signal that was planned without one. */
  payloadFor(signal: string): Json {
    for (const word of this.#words.all()) {
      const step = this.#words.find(word);
      if (step?.kind === "wait" && step.signal === signal && step.returns !== undefined)
        return sampleOfShape(step.returns);
    }
    return {};
  }

  #planned(path: string, undo: boolean, attempt: number): Outcome {
    const word = this.#words.of(path);
    const prefix = undo ? "undo " : "";
    for (const each of [word, path, withoutIndex(word), withoutIndex(path)]) {
      const outcomes = this.#plan.outcomes[prefix + each];
      if (outcomes === undefined) continue;
      this.#used.add(prefix + each);
      return outcomes[Math.min(attempt, outcomes.length) - 1] ?? { end: "succeeded" };
    }
    return { end: "succeeded" };
  }

  #stepAt(path: string): Step | undefined {
    return this.#words.find(path);
  }

  #isExternal(message: Outgoing): boolean {
    return actionFor(message, this.#catalog)?.external === true;
  }

  /** An external call is out: until its timeout nobody can say how it ended. */
  #call(path: string, { headers }: Outgoing, nowMs: number): void {
    const timeoutMs = headers?.["timeoutMs"];
    const untilMs = nowMs + (typeof timeoutMs === "number" ? timeoutMs : DEFAULT_TIMEOUT_MS);
    if (!this.#guards.has(path)) this.#guards.set(path, { state: "started", untilMs });
  }

  #run(letter: Letter, guard: Guard | undefined): Reply {
    const at = { path: letter.path, attempt: letter.attempt };
    if (guard?.state === "done") {
      const text = "succeeded before: answered again";
      return { event: { type: "step.succeeded", ...at, output: guard.output }, text };
    }
    if (guard?.state === "rejected") {
      const { code, message } = guard;
      return { event: { type: "step.rejected", ...at, code, message }, text: `rejected before (${code})` };
    }
    if (guard !== undefined && guard.state !== "started") return { text: `refused: the step is ${guard.state}` };
    if (letter.message.headers?.["notify"] === true) return this.#notified(letter);
    return this.#end(letter, at);
  }

  #notified({ path, outcome }: Letter): Reply {
    if (outcome.end !== "succeeded") return { text: `${outcome.end}: nobody is told` };
    this.#guards.set(path, { state: "done", output: null });
    return { text: "delivered" };
  }

  #end({ path, outcome, message, sentAtMs }: Letter, at: { path: string; attempt: number }): Reply {
    switch (outcome.end) {
      case "succeeded": {
        const output = outputOf(this.#stepAt(path), message, this.#catalog, outcome.output);
        this.#guards.set(path, { state: "done", output });
        return { event: { type: "step.succeeded", ...at, output }, text: "succeeded" };
      }
      case "rejected": {
        const refusal = { code: outcome.code, message: "rejected in the simulation" };
        this.#guards.set(path, { state: "rejected", ...refusal });
        return { event: { type: "step.rejected", ...at, ...refusal }, text: sayEnd("rejected", outcome.code) };
      }
      case "failed": {
        const { code, retryable } = outcome;
        const how = { code, message: "failed in the simulation", retryable, unknown: false };
        return { event: { type: "step.failed", ...at, ...how }, text: sayEnd("failed", code) };
      }
      case "unknown": {
        if (!this.#guards.has(path)) this.#guards.set(path, { state: "started", untilMs: sentAtMs });
        const how = { code: "exception", message: "nobody saw its end", retryable: true, unknown: true };
        return { event: { type: "step.failed", ...at, ...how }, text: "unknown: nobody saw its end" };
      }
      case "silent":
        return { text: "no answer" };
    }
  }

  #undo(letter: Letter, guard: Guard | undefined): Reply {
    const at = { path: letter.path, attempt: letter.attempt };
    switch (guard?.state) {
      case undefined:
      case "blocked":
      case "closed":
      case "rejected":
        if (guard === undefined) this.#guards.set(letter.path, { state: "blocked" });
        return { event: { type: "compensation.skipped", ...at }, text: "nothing to undo" };
      case "compensated":
        return { event: { type: "compensation.succeeded", ...at }, text: "undone before: answered again" };
      case "kept":
        return { text: "refused: the compensation is given up" };
      default:
        return this.#compensate(letter, at);
    }
  }

  #compensate({ path, outcome }: Letter, at: { path: string; attempt: number }): Reply {
    if (outcome.end === "succeeded") {
      this.#guards.set(path, { state: "compensated" });
      return { event: { type: "compensation.succeeded", ...at }, text: "undone" };
    }
    if (outcome.end === "silent") return { text: "no answer" };
    const code = outcome.end === "unknown" ? "exception" : outcome.code;
    const retryable = outcome.end === "unknown" || (outcome.end === "failed" && outcome.retryable);
    const how = { code, message: `${outcome.end} in the simulation`, retryable };
    return { event: { type: "compensation.failed", ...at, ...how }, text: sayEnd(outcome.end, code) };
  }
}

/** The action behind a command; undefined without a catalog, and for a domain that is not loaded. */
function actionFor(message: Outgoing, catalog: DomainCatalog | null): ActionDescription | undefined {
  const domain = message.topic.slice(0, message.topic.indexOf("."));
  return catalog?.actions.get(`${domain}.${message.action ?? ""}`);
}

function outputOf(
  step: Step | undefined,
  message: Outgoing,
  catalog: DomainCatalog | null,
  given: Json | undefined,
): Json {
  const made = madeOutput(step, actionFor(message, catalog), catalog !== null);
  return withFields(made, given);
}

/** An output that was made up, with the fields that were given in place of its own. */
export function withFields(made: Json, given: Json | undefined): Json {
  if (given === undefined) return made;
  return isJsonObject(made) && isJsonObject(given) ? { ...made, ...given } : given;
}

/** The plainest output of a step: by its `returns`, else by its handler's schema. */
export function madeOutput(step: Step | undefined, action: ActionDescription | undefined, catalogKnown: boolean): Json {
  const returns = step !== undefined && "returns" in step ? step.returns : undefined;
  if (returns !== undefined) return sampleOfShape(returns);
  if (action?.output !== undefined) return sampleOfSchema(action.output.jsonSchema);
  // A handler without an output schema answers null; without its domain nobody knows.
  return catalogKnown && action !== undefined ? null : {};
}

function sayEnd(end: string, code: string): string {
  return code === end || code === "exception" ? end : `${end} (${code})`;
}
