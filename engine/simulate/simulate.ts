import { decide, newborn } from "../core/decide.ts";
import type { Transition } from "../core/decision.ts";
import type { Definition } from "../core/definition.ts";
import type { DomainCatalog } from "../core/domain.ts";
import { type Evaluator, ExpressionFault } from "../core/evaluate.ts";
import type { GuardOutcome, SagaEvent } from "../core/event.ts";
import type { Json } from "../core/json.ts";
import { isFinal, type SagaFacts, type SagaState } from "../core/state.ts";
import { renderTemplate } from "../core/template.ts";
import { createEvaluator } from "../definition/expression.ts";
import type { Letter } from "./letter.ts";
import { Participants } from "./participants.ts";
import type { Plan, PlannedSignal } from "./plan.ts";
import { StepWords } from "./step-words.ts";
import { type Ended, type Run, Story } from "./story.ts";

const STARTED_AT = "2026-01-01T00:00:00.000Z";
const SAGA_ID = "simulated";
/** A step that is retried for ever would go on for ever. */
const EVENTS_MAX = 5_000;

/** Something that will happen at a time; of one time the one planned first comes first. */
interface Planned {
  readonly atMs: number;
  happen(): void;
}

/**
 * Runs one saga through the engine's own `decide`, with a clock of its own: what is sent is answered as planned, timers
 * fire when they are due. It looks at events, messages and timers only, never at the kind of a step. The same
 * definition and plan always tell the same story. `isOver` is asked before each event: true ends it as too long.
 */
export function simulate(
  definition: Definition,
  plan: Plan,
  catalog: DomainCatalog | null,
  isOver: () => boolean = () => false,
): Run {
  return new Simulation(definition, plan, catalog).run(isOver);
}

class Simulation {
  readonly #definition: Definition;
  readonly #plan: Plan;
  readonly #facts: SagaFacts;
  readonly #evaluator: Evaluator = createEvaluator();
  readonly #participants: Participants;
  readonly #story: Story;
  readonly #startMs: number;
  readonly #awaited: PlannedSignal[];
  readonly #agenda: Planned[] = [];
  readonly #spent = new Set<string>();
  #state: SagaState = newborn();
  #nowMs = 0;
  /** When the saga last moved: what comes after its end is no part of its life. */
  #movedAtMs = 0;
  #events = 0;

  constructor(definition: Definition, plan: Plan, catalog: DomainCatalog | null) {
    const startedAt = new Date(plan.startedAt ?? STARTED_AT).toISOString();
    const words = new StepWords(definition);
    this.#definition = definition;
    this.#plan = plan;
    this.#startMs = Date.parse(startedAt);
    this.#facts = factsOf(definition, plan, startedAt, this.#evaluator);
    this.#participants = new Participants(plan, words, catalog);
    this.#story = new Story(definition, words);
    this.#awaited = plan.signals.filter(({ atMs }) => atMs === undefined);
  }

  run(isOver: () => boolean): Run {
    for (const signal of this.#plan.signals) {
      if (signal.atMs !== undefined) this.#at(signal.atMs, () => this.#signal(signal));
    }
    if (this.#plan.cancelAtMs !== undefined) this.#at(this.#plan.cancelAtMs, () => this.#cancel());
    this.#apply({ type: "saga.started" });
    const ended = this.#go(isOver);
    return this.#story.end(this.#state, {
      ended,
      atMs: ended === "time" ? this.#nowMs : this.#movedAtMs,
      unused: [...this.#participants.unused(), ...this.#awaited.map(({ signal }) => `signal ${signal}`)],
    });
  }

  /** Lets one thing after the other happen, each at its time. */
  #go(isOver: () => boolean): Ended {
    for (;;) {
      const next = this.#next();
      if (next === undefined) break;
      if (this.#events >= EVENTS_MAX || isOver()) return "too-long";
      if (this.#plan.untilMs !== undefined && next.atMs > this.#plan.untilMs) {
        this.#nowMs = this.#plan.untilMs;
        return "time";
      }
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.happen();
    }
    return "at-rest";
  }

  #next(): Planned | undefined {
    const index = earliest(this.#agenda);
    const planned = this.#agenda[index];
    const timer = this.#timer();
    if (planned === undefined || (timer !== undefined && timer.atMs < planned.atMs)) return timer;
    return { atMs: planned.atMs, happen: () => this.#agenda.splice(index, 1)[0]?.happen() };
  }

  #timer(): Planned | undefined {
    const set = Object.entries(this.#state.timers).filter(([timer, dueAt]) => !this.#spent.has(`${timer} ${dueAt}`));
    const timers = set.map(([timer, dueAt]) => ({
      atMs: Date.parse(dueAt) - this.#startMs,
      happen: () => this.#fire(timer, dueAt),
    }));
    return timers[earliest(timers)];
  }

  #at(atMs: number, happen: () => void): void {
    this.#agenda.push({ atMs, happen });
  }

  #fire(timer: string, dueAt: string): void {
    this.#story.timer(timer, this.#nowMs);
    // One that moves nothing stays in the state; looked at again, it would be due for ever.
    if (this.#apply({ type: "timer.fired", timer, dueAt }) !== undefined) this.#spent.add(`${timer} ${dueAt}`);
  }

  #signal({ signal, payload = this.#participants.payloadFor(signal) }: PlannedSignal): void {
    this.#story.signal(signal, payload, this.#nowMs);
    const messageId = `signal${this.#events}`;
    const refused = this.#apply({ type: "signal.received", messageId, signal, payload });
    if (refused !== undefined) this.#story.refused(`the saga is ${this.#state.status}: nobody takes it`, this.#nowMs);
  }

  #cancel(): void {
    this.#story.cancel(this.#nowMs);
    const refused = this.#apply({ type: "cancel.requested", reason: "cancelled in the simulation" });
    if (refused !== undefined) this.#story.refused(`no effect: ${refusalText(refused, this.#state)}`, this.#nowMs);
  }

  /** Applies an event and sends what comes of it; returns why it moved nothing. */
  #apply(event: SagaEvent): string | undefined {
    this.#events += 1;
    const decision = this.#decide(event);
    if (typeof decision === "string") return decision;
    this.#state = decision.state;
    this.#movedAtMs = this.#nowMs;
    for (const path of decision.reopen) this.#participants.reopen(path);
    for (const path of decision.keep) this.#participants.keep(path);
    const letters = decision.outgoing.map((message) => this.#participants.send(message, this.#nowMs));
    this.#story.transition(decision, letters, this.#nowMs);
    for (const letter of letters) if (letter !== undefined) this.#post(letter);
    this.#giveAwaited();
    return undefined;
  }

  #decide(event: SagaEvent): Transition | string {
    const guards: Record<string, GuardOutcome> = {};
    const read = { now: new Date(this.#startMs + this.#nowMs).toISOString(), guards };
    for (;;) {
      const decision = decide(this.#definition, this.#facts, this.#state, event, read, this.#evaluator);
      if (decision.kind === "transition") return decision;
      if (decision.kind === "no-op") return decision.reason;
      guards[decision.path] = this.#participants.settle(decision.path, this.#nowMs, decision.keepStarted ?? false);
    }
  }

  #post(letter: Letter): void {
    if (letter.arrivesAtMs !== undefined) this.#at(letter.arrivesAtMs, () => this.#deliver(letter));
    else this.#story.silent(letter, this.#nowMs);
  }

  #deliver(letter: Letter): void {
    const { event, text } = this.#participants.deliver(letter);
    this.#story.answered(letter, text, event, this.#nowMs);
    if (event !== undefined && this.#apply(event) !== undefined) this.#story.refused("it comes too late", this.#nowMs);
  }

  #giveAwaited(): void {
    const wanted = new Set(this.#state.waitingFor.map(({ signal }) => signal));
    const index = this.#awaited.findIndex(({ signal }) => wanted.has(signal));
    const [signal] = index < 0 ? [] : this.#awaited.splice(index, 1);
    if (signal !== undefined) this.#at(this.#nowMs, () => this.#signal(signal));
  }
}

/** The first of the earliest; -1 when there is none. */
function earliest(planned: readonly Planned[]): number {
  return planned.reduce((best, each, index) => {
    const known = planned[best];
    return known === undefined || each.atMs < known.atMs ? index : best;
  }, -1);
}

function factsOf(definition: Definition, plan: Plan, startedAt: string, evaluator: Evaluator): SagaFacts {
  const { version } = definition;
  const saga = { id: SAGA_ID, key: null, version, startedAt, now: startedAt };
  const key = keyOf(definition, { input: plan.input, steps: {}, saga }, evaluator);
  return { id: SAGA_ID, key, version, startedAt, input: plan.input };
}

/** @throws InputFault when no key can be made of the input; the engine would refuse the start */
function keyOf(definition: Definition, scope: Readonly<Record<string, Json>>, evaluator: Evaluator): string | null {
  if (definition.key === undefined) return null;
  try {
    const key = renderTemplate(definition.key, scope, evaluator);
    if (key === "" || key === null || typeof key === "object") throw new InputFault("its key is empty or no text");
    return String(key);
  } catch (error) {
    if (error instanceof ExpressionFault) throw new InputFault(`its key cannot be made: ${error.message}`);
    throw error;
  }
}

/** The saga would not start with this input. */
export class InputFault extends Error {}

function refusalText(reason: string, { status }: SagaState): string {
  if (reason === "past-pivot") return "the saga is past its pivot";
  return isFinal(status) || reason === "final" ? `the saga is ${status}` : "the saga is compensating already";
}
