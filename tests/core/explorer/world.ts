import type { Definition } from "../../../engine/core/definition.ts";
import type { SagaEvent } from "../../../engine/core/event.ts";
import { type decide, newborn } from "../../../engine/core/decide.ts";
import type { SagaFacts, SagaState } from "../../../engine/core/state.ts";

/** One row of the model's `step_guard`. */
export interface Guard {
  readonly state:
    | "started"
    | "done"
    | "rejected"
    | "closed"
    | "blocked"
    | "unknown"
    | "compensating"
    | "compensated"
    | "kept";
  /** Code of a rejection. */
  readonly code?: string;
  /** Attempt that wrote `started`. */
  readonly by?: number;
}

/** A command that a participant may still be handed: not consumed, or consumed in error. Done ones are only skipped. */
export interface Command {
  readonly path: string;
  readonly kind: "step" | "compensation";
  readonly attempt: number;
  /** `open`: an external call was claimed and has not answered. */
  readonly consumed: "new" | "open" | "error";
  /** The external call runs at this moment. */
  readonly calling?: true;
  /** It carries what a person wrote. */
  readonly edited?: true;
}

/** What may still go wrong or be asked for in a run. */
export interface Budget {
  /** Redeliveries of a command that was consumed in error: rewind, redrive, rebalance. */
  readonly duplicates: number;
  /** Crashes inside an external call. */
  readonly crashes: number;
  readonly cancels: number;
  readonly signals: number;
  /** Retries by an operator. */
  readonly retries: number;
  /** Skips, resolves and terminates by an operator. */
  readonly verbs: number;
  /** Commands and compensations that a person edits. */
  readonly edits: number;
}

/** Everything at one moment: the saga, the guards, what travels, what took effect, and what may still happen. */
export interface World {
  readonly saga: SagaState;
  readonly guards: Readonly<Record<string, Guard>>;
  /** In the order of sending; each step's own are delivered in this order. */
  readonly commands: readonly Command[];
  /** Events on the timeline that the dispatcher has not consumed; in commit order. */
  readonly events: readonly SagaEvent[];
  /** Paths whose effect was committed, in that order; twice is a violation. */
  readonly did: readonly string[];
  /** Paths whose compensation was committed, in that order. */
  readonly undone: readonly string[];
  /** Attempts sent: `step apply`, `compensation apply`. */
  readonly sent: Readonly<Record<string, number>>;
  /** Status of each step as `saga_step` shows it. */
  readonly statuses: Readonly<Record<string, string>>;
  /** What a person has edited: `step apply`, `compensation apply`. */
  readonly edited: readonly string[];
  readonly left: Budget;
  readonly child: ChildWorld;
}

/** The child saga of a model that has one. Its steps stand in all tables under `kid|<path>`. */
export interface ChildWorld {
  /** Null: not asked for. */
  readonly saga: SagaState | null;
  readonly events: readonly SagaEvent[];
  /** The parent's step. */
  readonly path: string;
}

/** Which saga a path, an event or a transition belongs to. */
export type Side = "parent" | "child";

/** The path of a child's step in the tables of the world. */
export const KID = "kid|";

/** How a handler's run may end. `threw…`: an external call whose end is not known, with and without effect. */
export type Outcome =
  | { readonly end: "succeeded" }
  | { readonly end: "rejected"; readonly code: string }
  | { readonly end: "failed"; readonly code: string; readonly retryable: boolean }
  | { readonly end: "not-sent" | "threw" | "threw-after-effect" };

/** What is explored. */
export interface Model {
  readonly definition: Definition;
  /** What the `saga` steps start. */
  readonly child?: Definition;
  readonly decide: typeof decide;
  /** How each step's handler may end; a step that is not named only succeeds. */
  readonly outcomes: Readonly<Record<string, readonly Outcome[]>>;
  /** The same for compensations. */
  readonly compensations: Readonly<Record<string, readonly Outcome[]>>;
  readonly external: ReadonlySet<string>;
  readonly budget: Budget;
  readonly faults: ModelFaults;
}

/** Faults planted into the model's own parts, to see that the explorer finds them. */
export interface ModelFaults {
  /** A duplicate of a settled command is skipped and not answered again (reliability R2). */
  readonly skipWithoutAnswer?: true;
  /** The question for a guard writes `unknown` over a pivot's `started`. */
  readonly settlePivots?: true;
  /** A later call puts its name to the `started` of an earlier one, and takes it back with `NotSentError`. */
  readonly startedOverwritten?: true;
  /** Participants do not ask the guard. */
  readonly noGuard?: true;
  /** An edit leaves what was sent before it. */
  readonly editLeavesOld?: true;
}

export const FACTS = {
  id: "01J00000000000000000000000",
  key: null,
  version: 1,
  startedAt: "2026-01-01T00:00:00.000Z",
  input: {},
} as const;

export function childFacts(path: string): SagaFacts {
  return { ...FACTS, id: "01J00000000000000000000001", parent: { sagaId: FACTS.id, path } };
}

/** The world in which the saga has just been asked for. */
export function firstWorld(model: Model): World {
  return {
    saga: newborn(),
    guards: {},
    commands: [],
    events: [{ type: "saga.started" }],
    did: [],
    undone: [],
    sent: {},
    statuses: {},
    edited: [],
    left: model.budget,
    child: { saga: null, events: [], path: "" },
  };
}

/**
 * Short texts for worlds: each part gets a number, the same for equal parts whatever the order in which their keys came
 * to be. Most moves leave most parts of a world as they are, and worlds are never changed.
 */
export class WorldTexts {
  readonly #byObject = new WeakMap<object, number>();
  readonly #byJson = new Map<string, number>();
  readonly #byText = new Map<string, number>();

  of(world: World): string {
    let text = "";
    for (const part of Object.values(world)) text += `${this.#numberOf(part)}|`;
    return text;
  }

  #numberOf(part: object): number {
    const known = this.#byObject.get(part);
    if (known !== undefined) return known;
    const json = JSON.stringify(part);
    let number = this.#byJson.get(json);
    if (number === undefined) {
      const text = canonical(part);
      number = this.#byText.get(text) ?? this.#byText.size;
      this.#byText.set(text, number);
      this.#byJson.set(json, number);
    }
    this.#byObject.set(part, number);
    return number;
  }
}

function canonical(value: unknown): string {
  if (typeof value === "string") return `'${value}'`;
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  let text = "{";
  for (const key of Object.keys(value).sort()) text += `${key}:${canonical(Reflect.get(value, key))},`;
  return `${text}}`;
}
