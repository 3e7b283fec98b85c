import type { Definition, Step } from "../core/definition.ts";
import { allSteps } from "../core/path.ts";

/**
 * What people call a step: its name; without one its command, when no other nameless step sends the same; else its path.
 * An item of an `each` keeps its index: `ship[3]`. Names are unique in a file, so they are enough wherever a step stands.
 */
export class StepWords {
  readonly #byName = new Map<string, Step>();
  readonly #byPath = new Map<string, Step>();
  /** What stands inside an `each`. */
  readonly #repeated = new Set<Step>();
  /** Null: several nameless steps send it. */
  readonly #byCommand = new Map<string, Step | null>();

  constructor(definition: Definition) {
    for (const [path, step] of allSteps(definition)) this.#add(path, step);
  }

  /** The word for a path of a saga. */
  of(path: string): string {
    const indexes = (path.match(/\[\d+\]/g) ?? []).join("");
    const last = withoutIndex(path.slice(path.lastIndexOf("/") + 1));
    if (this.#byName.has(last)) return last + indexes;
    const command = commandOf(this.#byPath.get(withoutIndex(path)));
    return command !== undefined && this.#byCommand.get(command) ? command + indexes : path;
  }

  /** The step that a word of a person means; undefined: there is none. */
  find(word: string): Step | undefined {
    const plain = withoutIndex(word);
    const last = plain.slice(plain.lastIndexOf("/") + 1);
    return this.#byPath.get(plain) ?? this.#byName.get(last) ?? this.#byCommand.get(plain) ?? undefined;
  }

  /** Whether a step runs once for each item of a list. */
  repeats(step: Step): boolean {
    return this.#repeated.has(step);
  }

  /** The words for all steps, in the order of the file. */
  all(): readonly string[] {
    return [...this.#byPath].map(([path, step]) => step.name ?? this.of(path));
  }

  #add(path: string, step: Step): void {
    this.#byPath.set(withoutIndex(path), step);
    if (path.includes("[")) this.#repeated.add(step);
    const command = commandOf(step);
    if (step.name !== undefined) this.#byName.set(step.name, step);
    else if (command !== undefined) this.#byCommand.set(command, this.#byCommand.has(command) ? null : step);
  }
}

/** `ship` of `ship[3]`, and of `ship[]`, which stands for all items. */
export function withoutIndex(word: string): string {
  return word.replaceAll(/\/?\[\d*\]/g, "");
}

function commandOf(step: Step | undefined): string | undefined {
  return step?.kind === "command" || step?.kind === "notify" ? step.command : undefined;
}
