import type { Definition, Step } from "./definition.ts";

const stepsOf = new WeakMap<Definition, ReadonlyMap<string, Step>>();

/** The step at a path of the definition (`apply`, `choose2/manual_review/review`, `apply/catch/rejected/note`). */
export function stepAt(definition: Definition, path: string): Step | undefined {
  return allSteps(definition).get(path);
}

/** Every step of a definition, those inside blocks included, by path. */
export function allSteps(definition: Definition): ReadonlyMap<string, Step> {
  let known = stepsOf.get(definition);
  if (known === undefined) {
    known = new Map(pathsIn(definition.steps, ""));
    stepsOf.set(definition, known);
  }
  return known;
}

/** Path of a step below a prefix; the prefix is empty at the top. */
export function pathOf(prefix: string, id: string): string {
  return prefix === "" ? id : `${prefix}/${id}`;
}

/** Steps of a block named by its path segments below a step: a `choose` branch, `else`, or `catch/<code>`. */
export function blockOf(step: Step, branch: string): readonly Step[] {
  return blocksOf(step).find(([name]) => name === branch)?.[1] ?? [];
}

function blocksOf(step: Step): readonly (readonly [string, readonly Step[]])[] {
  switch (step.kind) {
    case "command":
    case "wait":
      return step.catch.map((entry) => [`catch/${entry.code}`, entry.steps] as const);
    case "choose": {
      const branches = step.branches.map((branch) => [branch.id, branch.steps] as const);
      return step.else === undefined ? branches : [...branches, ["else", step.else] as const];
    }
    case "notify":
    case "fail":
      return [];
  }
}

function pathsIn(steps: readonly Step[], prefix: string): (readonly [string, Step])[] {
  return steps.flatMap((step) => {
    const path = pathOf(prefix, step.id);
    const inside = blocksOf(step).flatMap(([branch, block]) => pathsIn(block, `${path}/${branch}`));
    return [[path, step] as const, ...inside];
  });
}

/** Identity of a step across attempts: `sagaId/path`. */
export function stepKey(sagaId: string, path: string): string {
  return `${sagaId}/${path}`;
}

/** The path inside a step key; null when the key is not of this saga. */
export function pathIn(sagaId: string, key: string): string | null {
  return key.startsWith(`${sagaId}/`) ? key.slice(sagaId.length + 1) : null;
}
