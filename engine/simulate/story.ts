import type { Outgoing, StepChange, Transition } from "../core/decision.ts";
import type { Definition } from "../core/definition.ts";
import type { SagaEvent } from "../core/event.ts";
import type { Json } from "../core/json.ts";
import type { SagaState, SagaStatus } from "../core/state.ts";
import type { Letter } from "./letter.ts";
import type { StepWords } from "./step-words.ts";

/** One thing that happened; `atMs` from the start of the saga. */
export interface Entry {
  readonly atMs: number;
  readonly kind: "sent" | "answered" | "step" | "timer" | "signal" | "cancel" | "refused" | "saga";
  /** `screen`, `undo screen`; absent where the whole saga is meant. */
  readonly step?: string;
  readonly text: string;
  /** Body of a message, payload of a signal, output. */
  readonly data?: Json;
}

/** Why the simulation ended: nothing more can happen, its time is over, or it went on and on. */
export type Ended = "at-rest" | "time" | "too-long";

/** A simulated saga, from its start to its end. */
export interface Run {
  readonly entries: readonly Entry[];
  /** The steps that were entered, in order; `undo apply` for a compensation. */
  readonly steps: readonly string[];
  /** How each step stands at the end, in the order in which they were entered; blocks included. */
  readonly states: readonly { readonly step: string; readonly status: string }[];
  readonly status: SagaStatus;
  /** Why it failed, was cancelled, or is parked. */
  readonly error?: { readonly code: string; readonly message: string; readonly step: string };
  readonly uncompensated: readonly { readonly step: string; readonly reason: string }[];
  readonly output?: Json;
  /** Signals that it waits for. */
  readonly waitingFor: readonly string[];
  readonly ended: Ended;
  readonly endedAtMs: number;
  /** What was planned and never happened: outcomes of steps that did not run, signals nobody waited for. */
  readonly unused: readonly string[];
}

/** Blocks: their steps are told, they themselves are not. */
export const BLOCKS: ReadonlySet<string> = new Set(["choose", "parallel", "each", "set", "fail", "end"]);

/** Writes down what happens, in words of the definition. */
export class Story {
  readonly #words: StepWords;
  readonly #definition: Definition;
  readonly #entries: Entry[] = [];
  readonly #steps: string[] = [];
  readonly #states = new Map<string, string>();
  /** Paths whose compensation has begun. */
  readonly #undoing = new Set<string>();

  constructor(definition: Definition, words: StepWords) {
    this.#definition = definition;
    this.#words = words;
  }

  /** Changes of steps and messages, with the letters that they became, in the order in which they came about. */
  transition({ outgoing, steps }: Transition, letters: readonly (Letter | undefined)[], atMs: number): void {
    const sent = new Set(letters.map((letter) => letter?.path));
    for (const change of steps) {
      this.#entered(change);
      this.#states.set(this.#words.of(change.path), change.status);
      if (!sent.has(change.path)) this.#changed(change, atMs);
    }
    for (const [index, message] of outgoing.entries()) {
      const letter = letters[index];
      if (letter !== undefined) this.#sent(letter, atMs);
      else if (message.to === undefined) this.#life(message, atMs);
    }
  }

  answered({ path, undo, attempt }: Letter, text: string, event: SagaEvent | undefined, atMs: number): void {
    const output = event !== undefined && "output" in event ? event.output : null;
    const data = output === null ? {} : { data: output };
    const again = attempt > 1 ? ` (attempt ${attempt})` : "";
    this.#add({ atMs, kind: "answered", step: this.#word(path, undo), text: `${text}${again}`, ...data });
  }

  silent({ path, undo }: Letter, atMs: number): void {
    this.#add({ atMs, kind: "answered", step: this.#word(path, undo), text: "no answer comes" });
  }

  timer(name: string, atMs: number): void {
    const colon = name.indexOf(":");
    const kind = name.slice(0, colon);
    // The guard's timer only looks again whether a step still runs.
    if (colon >= 0 && kind === "guard") return;
    const path = colon < 0 ? "" : name.slice(colon + 1);
    const step = path === "" ? {} : { step: this.#words.of(path) };
    const text = TIMERS[colon < 0 ? name : kind] ?? `timer ${colon < 0 ? name : kind}`;
    this.#add({ atMs, kind: "timer", ...step, text });
  }

  signal(signal: string, payload: Json, atMs: number): void {
    this.#add({ atMs, kind: "signal", text: `signal ${signal}`, data: payload });
  }

  cancel(atMs: number): void {
    this.#add({ atMs, kind: "cancel", text: "cancel" });
  }

  refused(text: string, atMs: number): void {
    this.#add({ atMs, kind: "refused", text });
  }

  end(state: SagaState, how: { ended: Ended; atMs: number; unused: readonly string[] }): Run {
    const { failure, parked, status, output } = state;
    const reason = status === "parked" ? parked : status === "completed" ? undefined : failure;
    const error = reason === undefined ? {} : { error: this.#error(reason) };
    return {
      entries: this.#entries,
      steps: this.#steps,
      states: [...this.#states].map(([step, status]) => ({ step, status })),
      status,
      ...error,
      uncompensated: state.uncompensated.map((each) => ({ step: this.#words.of(each.step), reason: each.reason })),
      ...(output === undefined ? {} : { output }),
      waitingFor: state.waitingFor.map(({ signal }) => signal),
      ended: how.ended,
      endedAtMs: how.atMs,
      unused: how.unused,
    };
  }

  #error({ code, message, step }: { readonly code: string; readonly message: string; readonly step: string }) {
    return { code, message, step: this.#words.of(step) };
  }

  #entered({ path, status, started }: StepChange): void {
    if (status === "compensating" && !this.#undoing.has(path)) {
      this.#undoing.add(path);
      this.#steps.push(this.#word(path, true));
    }
    if (started !== true || status === "skipped") return;
    const word = this.#words.of(path);
    if (!BLOCKS.has(this.#words.find(word)?.kind ?? "")) this.#steps.push(word);
  }

  #changed({ path, status, failure }: StepChange, atMs: number): void {
    const text = SAID[status];
    if (text === undefined) return;
    this.#add({ atMs, kind: "step", step: this.#words.of(path), text: `${text}${reasonOf(failure)}` });
  }

  #sent({ message, path, undo, attempt }: Letter, atMs: number): void {
    const { topic, type, action = "", body } = message;
    const again = attempt > 1 ? ` (attempt ${attempt})` : "";
    const command = `${topic.slice(0, topic.indexOf("."))}.${action}`;
    const text = message.to === undefined ? command : (TO_CHILD[type] ?? `begins saga ${textIn(body, "definition")}`);
    const input = fieldOf(body, "input");
    const data = input === undefined ? {} : { data: input };
    this.#add({ atMs, kind: "sent", step: this.#word(path, undo), text: `${text}${again}`, ...data });
  }

  /** The saga's own life: `saga.compensating`, `saga.parked`, `saga.completed`, and the start of a child. */
  #life({ type, path, body }: Outgoing, atMs: number): void {
    const text = type.startsWith("saga.") ? type.slice("saga.".length) : type;
    const error = errorIn(body);
    const step = path === undefined ? {} : { step: this.#words.of(path) };
    const code = error === undefined ? "" : `: ${error}`;
    const outcome = textIn(body, "outcome");
    // An `end` may have an output of its own where the saga has none.
    const gives = this.#definition.output !== undefined || outputIn(body) !== null;
    const output = type === "saga.completed" && gives ? { data: outputIn(body) } : {};
    this.#add({ atMs, kind: "saga", ...step, text: `${text}${code}${outcome && ` (${outcome})`}`, ...output });
  }

  #word(path: string, undo: boolean): string {
    return `${undo ? "undo " : ""}${this.#words.of(path)}`;
  }

  #add(entry: Entry): void {
    this.#entries.push(entry);
  }
}

const TIMERS: Readonly<Record<string, string>> = {
  deadline: "the deadline has passed",
  retry: "the backoff is over",
  sleep: "the sleep is over",
};

/** What a child saga is told after its beginning. */
const TO_CHILD: Readonly<Record<string, string>> = {
  "cancel.requested": "cancels its saga",
  "compensate.requested": "undoes its saga",
};

/** Changes of a step that no message tells. */
const SAID: Readonly<Record<string, string>> = {
  waiting: "waits",
  sleeping: "sleeps",
  skipped: "skipped",
  failed: "given up",
  closed: "closed",
  kept: "its compensation is given up",
};

function reasonOf(failure: { readonly code: string } | undefined): string {
  return failure === undefined ? "" : `: ${failure.code}`;
}

function fieldOf(body: Json, name: string): Json | undefined {
  return typeof body === "object" && body !== null && !Array.isArray(body)
    ? (body as Readonly<Record<string, Json>>)[name]
    : undefined;
}

function textIn(body: Json, name: string): string {
  const value = fieldOf(body, name);
  return typeof value === "string" ? value : "";
}

function outputIn(body: Json): Json {
  return fieldOf(body, "output") ?? null;
}

function errorIn(body: Json): string | undefined {
  const code = fieldOf(fieldOf(body, "error") ?? null, "code");
  return typeof code === "string" ? code : undefined;
}
