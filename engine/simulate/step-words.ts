import type { Definition, Step } from "../core/definition.ts";
import { allSteps } from "../core/path.ts";

/**
 * What people call a step: its name, or its path when it has none. An item of an `each` keeps its index: `ship[3]`.
 * Names are unique in a file, so a name is enough wherever the step stands.
 */
export class StepWords {
  readonly #byName = new Map<string, Step>();
  readonly #byPath = new Map<string, Step>();

  constructor(definition: Definition) {
    for (const [path, step] of allSteps(definition)) this.#add(path, step);
  }

  /** The word for a path of a saga. */
  of(path: string): string {
    const last = withoutIndex(path.slice(path.lastIndexOf("/") + 1));
    if (!this.#byName.has(last)) return path;
    return last + (path.match(/\[\d+\]/g) ?? []).join("");
  }

  /** The step that a word of a person means; undefined: there is none. */
  find(word: string): Step | undefined {
    const plain = withoutIndex(word);
    return this.#byName.get(plain) ?? this.#byPath.get(word) ?? this.#byPath.get(plain);
  }

  /** The words for all steps, in the order of the file. */
  all(): readonly string[] {
    const named = new Set<Step>(this.#byName.values());
    const nameless = [...this.#byPath].filter(([, step]) => !named.has(step)).map(([path]) => path);
    return [...this.#byName.keys(), ...nameless];
  }

  #add(path: string, step: Step): void {
    this.#byPath.set(path, step);
    if (step.name !== undefined) this.#byName.set(step.name, step);
    if (!("compensate" in step) || step.compensate?.kind !== "steps") return;
    for (const each of step.compensate.steps) this.#add(`${path}/compensate/${each.id}`, each);
  }
}

/** `ship` of `ship[3]`. */
export function withoutIndex(word: string): string {
  return word.replaceAll(/\[\d+\]/g, "");
}
