import { unionOf, type ValueType } from "./value-type.ts";

/** A value that is there: on every path that leads here, or on some. */
export interface Known {
  readonly state: "sure" | "maybe";
  readonly type: ValueType;
  /** Read where its step is undone, whose end nobody may have seen. */
  readonly unseen?: true;
}

/** What is certain at one place of a definition, on whatever path it was reached. */
export interface Flow {
  /** Steps that ran, with the type of their output. */
  readonly steps: ReadonlyMap<string, Known>;
  /** Values that `set` wrote. */
  readonly vars: ReadonlyMap<string, Known>;
  /** `maybe`: on some path that leads here. */
  readonly pivot: "before" | "maybe" | "passed";
  /** Paths whose presence a condition around this place has established. */
  readonly proven: ReadonlySet<string>;
}

export const START: Flow = { steps: new Map(), vars: new Map(), pivot: "before", proven: new Set() };

/** The flow after a step with an output. */
export function withStep(flow: Flow, name: string | undefined, type: ValueType): Flow {
  return name === undefined
    ? flow
    : { ...flow, steps: new Map<string, Known>([...flow.steps, [name, { state: "sure", type }]]) };
}

/** The flow after a `set`. */
export function withVars(flow: Flow, values: ReadonlyMap<string, ValueType>): Flow {
  const written = [...values].map(([name, type]) => [name, { state: "sure", type }] as const);
  return { ...flow, vars: new Map<string, Known>([...flow.vars, ...written]) };
}

export function withProven(flow: Flow, paths: ReadonlySet<string>): Flow {
  return paths.size === 0 ? flow : { ...flow, proven: new Set([...flow.proven, ...paths]) };
}

/** Several paths meet: only what holds on all of them is certain. Null: none of them gets here. */
export function joined(paths: readonly (Flow | null)[]): Flow | null {
  const alive = paths.filter((path) => path !== null);
  const [first, ...others] = alive;
  if (first === undefined || others.length === 0) return first ?? null;
  const alike = others.every((path) => path.pivot === first.pivot);
  const proven = [...first.proven].filter((each) => others.every((path) => path.proven.has(each)));
  return {
    steps: met(alive.map((path) => path.steps)),
    vars: met(alive.map((path) => path.vars)),
    pivot: alike ? first.pivot : "maybe",
    proven: new Set(proven),
  };
}

function met(paths: readonly ReadonlyMap<string, Known>[]): ReadonlyMap<string, Known> {
  const names = new Set(paths.flatMap((path) => [...path.keys()]));
  return new Map([...names].map((name) => [name, metOne(paths.map((path) => path.get(name)))] as const));
}

function metOne(found: readonly (Known | undefined)[]): Known {
  const known = found.filter((each) => each !== undefined);
  const [first] = known;
  const everywhere = found.every((each) => each?.state === "sure");
  // Most often it is one and the same step, whose type is one object.
  const alike = first !== undefined && known.every((each) => each.type === first.type);
  return { state: everywhere ? "sure" : "maybe", type: alike ? first.type : unionOf(known.map((each) => each.type)) };
}

/** Branches that all ran, each from the same place: what is certain after one is certain after all. */
export function together(branches: readonly (Flow | null)[]): Flow | null {
  const alive = branches.filter((branch) => branch !== null);
  const [first, ...others] = alive;
  if (first === undefined || alive.length < branches.length) return null;
  return {
    ...first,
    steps: new Map(alive.flatMap((branch) => [...branch.steps])),
    vars: new Map(alive.flatMap((branch) => [...branch.vars])),
    proven: new Set([first, ...others].flatMap((branch) => [...branch.proven])),
  };
}
