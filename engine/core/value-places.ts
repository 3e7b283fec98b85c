import type { Definition } from "./definition.ts";
import { allSteps, isInside, type Lane, numberless } from "./path.ts";

/** Where the values of a definition's names come to be; an item's number is left out: `ship[]/pack`. */
interface Places {
  readonly steps: ReadonlyMap<string, string>;
  readonly variables: ReadonlyMap<string, readonly string[]>;
}

const placesOf = new WeakMap<Definition, Places>();

function places(definition: Definition): Places {
  let known = placesOf.get(definition);
  if (known === undefined) {
    const steps = new Map<string, string>();
    const variables = new Map<string, string[]>();
    for (const [path, step] of allSteps(definition)) {
      if (step.name !== undefined) steps.set(step.name, path);
      if (step.kind !== "set") continue;
      for (const name of Object.keys(step.values)) variables.set(name, [...(variables.get(name) ?? []), path]);
    }
    known = { steps, variables };
    placesOf.set(definition, known);
  }
  return known;
}

/** Names of steps with their places; undefined: all. */
export function stepNamed(
  definition: Definition,
  names: readonly string[] | undefined,
): readonly (readonly [string, string])[] {
  const { steps } = places(definition);
  return [...steps].filter(([name]) => names === undefined || names.includes(name));
}

/** The `set` steps that write one of these variables; undefined: any. */
export function variableSteps(definition: Definition, names: readonly string[] | undefined): readonly string[] {
  const { variables } = places(definition);
  const found = (names ?? [...variables.keys()]).flatMap((name) => variables.get(name) ?? []);
  return [...new Set(found)];
}

/** The path that a place has for whoever stands in these branches; undefined: it lies in an item that is not theirs. */
export function resolved(place: string, lanes: readonly Lane[]): string | undefined {
  const around = lanes.findLast(
    ({ step, branch }) => step.kind === "each" && place.startsWith(`${numberless(branch)}/`),
  );
  if (around === undefined) return place.includes("[]") ? undefined : place;
  const rest = place.slice(numberless(around.branch).length);
  return rest.includes("[]") ? undefined : around.branch + rest;
}

interface Kept {
  readonly path: string;
  /** The name under which others read its output. */
  readonly name: string | undefined;
  readonly variables: readonly string[];
}

/**
 * The steps of a block or branch that leave something to those behind them. Not what lies in the items of a list inside
 * it, which nobody outside reads, and not its own catch block, which runs when the block itself is over.
 */
export function keptInside(definition: Definition, within: string): readonly Kept[] {
  const scope = numberless(within);
  return [...allSteps(definition)].flatMap(([place, step]) => {
    const variables = step.kind === "set" ? Object.keys(step.values) : [];
    if (!isInside(place, scope) || isInside(place, `${scope}/catch`)) return [];
    const rest = place.slice(scope.length);
    if (rest.includes("[]") || (step.name === undefined && variables.length === 0)) return [];
    return [{ path: within + rest, name: step.name, variables }];
  });
}
