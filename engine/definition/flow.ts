import type { ValueType } from "./value-type.ts";

/** What is certain at one place of a definition, on whatever path it was reached. */
export interface Flow {
  readonly steps: ReadonlyMap<string, { readonly state: "ran" | "maybe"; readonly type: ValueType }>;
  /** `maybe`: on some path that leads here. */
  readonly pivot: "before" | "maybe" | "passed";
  /** Paths whose presence a condition around this place has established. */
  readonly proven: ReadonlySet<string>;
}

export const START: Flow = { steps: new Map(), pivot: "before", proven: new Set() };

/** The flow after a step with an output. */
export function withStep(flow: Flow, name: string | undefined, type: ValueType): Flow {
  return name === undefined ? flow : { ...flow, steps: new Map([...flow.steps, [name, { state: "ran", type }]]) };
}

export function withProven(flow: Flow, paths: ReadonlySet<string>): Flow {
  return paths.size === 0 ? flow : { ...flow, proven: new Set([...flow.proven, ...paths]) };
}

/** Several paths meet: only what holds on all of them is certain. Null: none of them gets here. */
export function joined(paths: readonly (Flow | null)[]): Flow | null {
  const alive = paths.filter((path) => path !== null);
  const [first, ...others] = alive;
  if (first === undefined || others.length === 0) return first ?? null;
  const steps = new Map<string, { readonly state: "ran" | "maybe"; readonly type: ValueType }>();
  for (const path of alive) {
    for (const [name, { type, state }] of path.steps) {
      const everywhere = state === "ran" && alive.every((each) => each.steps.get(name)?.state === "ran");
      steps.set(name, { state: everywhere ? "ran" : "maybe", type });
    }
  }
  const alike = others.every((path) => path.pivot === first.pivot);
  const proven = [...first.proven].filter((each) => others.every((path) => path.proven.has(each)));
  return { steps, pivot: alike ? first.pivot : "maybe", proven: new Set(proven) };
}
