import type { Definition } from "../../engine/core/definition.ts";
import type { Bugs } from "./bugs.ts";
import { randomSources, type Sources } from "./definition-source.ts";
import { type Fault, randomFaults } from "./faults.ts";
import { compile } from "./machine.ts";
import type { Plan } from "./plan.ts";
import { Random, seedFor } from "./random.ts";
import { type Result, run } from "./run.ts";

/** Compiling costs as much as a run: this many seeds in a row share their definitions, and nothing else. */
const SHARED = 8;

interface Compiled {
  readonly sources: Sources;
  readonly definitions: ReadonlyMap<string, Definition>;
}

let latest: { readonly seed: number; readonly compiled: Compiled } | undefined;

/** What a seed's sagas look like. */
export function definitionsOf(seed: number): Compiled {
  const shared = Math.floor(seed / SHARED);
  if (latest?.seed !== shared) {
    const sources = randomSources(new Random(seedFor(shared, "definition")));
    latest = { seed: shared, compiled: { sources, definitions: compile(sources) } };
  }
  return latest.compiled;
}

function planOf(seed: number, bugs: Bugs): Plan {
  const { sources, definitions } = definitionsOf(seed);
  return { seed, root: sources.root, definitions, faults: randomFaults(new Random(seedFor(seed, "faults"))), bugs };
}

/** Runs one seed. */
export async function simulateSeed(seed: number, bugs: Bugs = {}): Promise<Result> {
  const result = await run(planOf(seed, bugs));
  for (const source of definitionsOf(seed).sources.byName.values()) result.coverage.source(source);
  return result;
}

/** Everything about a seed, for a person: its definitions, and the shortest story that still breaks the same rule. */
export async function tellSeed(seed: number, bugs: Bugs = {}): Promise<string> {
  const plan = planOf(seed, bugs);
  const { violation } = await run(plan);
  const faults = violation === undefined ? plan.faults : await fewest(plan, violation);
  const { story } = await run({ ...plan, faults, tells: true });
  const yaml = [...definitionsOf(seed).sources.byName.values()].map((source) =>
    Bun.YAML.stringify(JSON.parse(source), null, 2),
  );
  return [
    `seed ${seed}: ${violation ?? "nothing is broken"}`,
    ...yaml,
    ...story,
    `again: bun run simulate:seeds -- --seed ${seed}`,
  ].join("\n");
}

/** Leaves faults out as long as the same rule is broken without them. */
async function fewest(plan: Plan, violation: string): Promise<readonly Fault[]> {
  let { faults } = plan;
  for (let at = faults.length - 1; at >= 0; at -= 1) {
    const fewer = faults.filter((_fault, index) => index !== at);
    const result = await run({ ...plan, faults: fewer });
    if (result.violation !== undefined && ruleOf(result.violation) === ruleOf(violation)) faults = fewer;
  }
  return faults;
}

/** `I3` of `I3: failed, and …`. */
export function ruleOf(violation: string): string {
  return violation.slice(0, violation.indexOf(":"));
}
