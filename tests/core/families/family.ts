import { type decide, newborn } from "../../../engine/core/decide.ts";
import type { Definition } from "../../../engine/core/definition.ts";
import type { SagaEvent } from "../../../engine/core/event.ts";
import type { Json, JsonObject } from "../../../engine/core/json.ts";
import type { Parent, SagaFacts, SagaState } from "../../../engine/core/state.ts";
import type { Random } from "../../simulation/random.ts";
import type { Guard as ModelGuard } from "../explorer/world.ts";

const BEGAN = Date.parse("2026-01-01T00:00:00.000Z");
/** The saga that is asked for; its children's ids follow from it. */
export const ROOT = "R";

/** One row of the model's `step_guard`. */
export interface Guard {
  readonly state: ModelGuard["state"];
  readonly code?: string;
  readonly output?: Json;
  /** The command that wrote `started`; absent: another one has called since. */
  readonly by?: Command;
  /** Of `started` and `compensating`: until then the call counts as running. */
  readonly until?: number;
}

/** A command, a notification or a compensation that was sent. */
export interface Command {
  readonly saga: string;
  readonly path: string;
  /** Step key. */
  readonly key: string;
  readonly kind: "step" | "compensation";
  readonly attempt: number;
  readonly input: Json;
  readonly isNotification: boolean;
  readonly isExternal: boolean;
  readonly timeoutMs: number;
  /** `open`: an external call was claimed and has not answered. */
  consumed: "new" | "open" | "error" | "done";
}

/** One saga of the family: what the database and the timeline would hold of it. */
export interface Member {
  readonly id: string;
  readonly definition: Definition;
  readonly facts: SagaFacts;
  state: SagaState;
  /** Events on the timeline that the dispatcher has not consumed. */
  readonly inbox: SagaEvent[];
  /** Status of each step as `saga_step` shows it. */
  readonly rows: Record<string, string>;
  sequence: number;
  /** Signals that were accepted, and taken by a wait. */
  signals: number;
  taken: number;
  /** How often a person has had something tried again. */
  verbs: number;
  /** Its parent has asked for its compensation once. */
  hasReversed: boolean;
  /** A person, or its parent's end, has ended its compensation. */
  wasStopped: boolean;
}

interface Effect {
  readonly key: string;
  readonly kind: "did" | "undone";
}

/** What a family breaks: `S19: …`. */
export class Broken extends Error {}

/** A saga, its children and theirs, with everything around them in memory. */
export class Family {
  readonly definitions: ReadonlyMap<string, Definition>;
  readonly decide: typeof decide;
  readonly members = new Map<string, Member>();
  readonly guards: Record<string, Guard> = {};
  readonly commands: Command[] = [];
  readonly effects: Effect[] = [];
  /** Calls that were given up and have not arrived outside yet. */
  readonly late: Command[] = [];
  /** What a person has written into a command or a compensation: by kind and step key. */
  readonly edits = new Map<string, Json>();
  /** Timers that were fired without effect, each with its time. */
  readonly spent = new Set<string>();
  /** Timers that transitions have set. */
  readonly timersSet: { readonly member: Member; readonly timer: string; readonly dueAt: string }[] = [];
  readonly story: string[] = [];
  /** What happened, and how often. */
  readonly counts = new Map<string, number>();
  now = BEGAN;
  /** Number of the move. */
  move = 0;
  /** From then on nothing breaks any more, and everything must come to an end. */
  isHealed = false;
  /** How many times as often as it could everything goes well: luck leads deep into a saga, bad luck deep into its compensation. */
  luck = 1;
  /** Draws for the present move. */
  random: Random;

  constructor(definitions: ReadonlyMap<string, Definition>, decides: typeof decide, random: Random, input: JsonObject) {
    this.definitions = definitions;
    this.decide = decides;
    this.random = random;
    this.birth(ROOT, "root", input);
  }

  /** The row of a saga that was asked for; its first event lies on the timeline. */
  birth(id: string, name: string, input: JsonObject, parent?: Parent): void {
    const startedAt = new Date(this.now).toISOString();
    const facts: SagaFacts = {
      id,
      key: null,
      version: 1,
      startedAt,
      input,
      ...(parent === undefined ? {} : { parent }),
    };
    this.members.set(id, {
      id,
      definition: this.definitions.get(name) as Definition,
      facts,
      state: newborn(),
      inbox: [{ type: "saga.started" }],
      rows: {},
      sequence: 0,
      signals: 0,
      taken: 0,
      verbs: 0,
      hasReversed: false,
      wasStopped: false,
    });
    this.tell(`${id} is asked for: ${name} ${JSON.stringify(input)}`);
  }

  member(id: string): Member {
    return this.members.get(id) as Member;
  }

  tell(line: string): void {
    const seconds = ((this.now - BEGAN) / 1_000).toFixed(0);
    this.story.push(`${String(this.move).padStart(4)} +${seconds}s ${line}`);
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  broken(violation: string): never {
    throw new Broken(violation);
  }

  did(key: string): boolean {
    return this.effects.some((effect) => effect.key === key && effect.kind === "did");
  }

  undone(key: string): boolean {
    return this.effects.some((effect) => effect.key === key && effect.kind === "undone");
  }

  childrenOf({ id }: Member): Member[] {
    return [...this.members.values()].filter(({ facts }) => facts.parent?.sagaId === id);
  }
}

/** The parked rows of a saga. */
export function parkedRows({ rows }: Member): string[] {
  return Object.keys(rows).filter((path) => rows[path] === "parked");
}

/** Whether a saga lists a step of its own as not compensated. */
export function isListed({ state }: Member, path: string): boolean {
  return state.uncompensated.some(({ step }) => step === path);
}

/** A step of a list that compensates. */
export function isUndoing(path: string): boolean {
  return path.includes("/compensate/");
}
