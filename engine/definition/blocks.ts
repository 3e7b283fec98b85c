import type { Catch, EachStep, Step } from "../core/definition.ts";

/** The blocks of steps inside a step, those of `catch` and `compensate` included. */
export function blocksOf(step: Step): readonly (readonly Step[])[] {
  switch (step.kind) {
    case "command":
    case "saga":
      return [...caughtBy(step), ...(step.compensate?.kind === "steps" ? [step.compensate.steps] : [])];
    case "wait":
      return caughtBy(step);
    case "choose":
      return [...step.branches.map((branch) => branch.steps), step.else ?? []];
    case "parallel":
      return [...step.branches.map((branch) => branch.steps), ...caughtBy(step)];
    case "each":
      return [step.steps, ...caughtBy(step)];
    case "notify":
    case "sleep":
    case "set":
    case "fail":
    case "end":
      return [];
  }
}

function caughtBy(step: { readonly catch: readonly Catch[] }): readonly (readonly Step[])[] {
  return step.catch.map((caught) => caught.steps);
}

/** Every step of a block and of the blocks in it, in the order of the file. */
export function* everyStep(steps: readonly Step[]): Generator<Step> {
  for (const step of steps) {
    yield step;
    for (const block of blocksOf(step)) yield* everyStep(block);
  }
}

/** Each step inside an `each`, with the innermost one: outside of it nobody can read what the step gives. */
export function* insideEach(steps: readonly Step[]): Generator<readonly [Step, EachStep]> {
  for (const step of everyStep(steps)) {
    if (step.kind !== "each") continue;
    for (const inner of everyStep(step.steps)) yield [inner, step];
  }
}
