import type { Json } from "./json.ts";
import { isInside } from "./path.ts";
import type { SagaState, StackEntry } from "./state.ts";
import type { Stored, StoredChange } from "./stored.ts";

/** Entries that are fetched at once: a few, and many once a transition has taken more than a few off. */
const FETCHED_MIN = 2;
const FETCHED_MAX = 200;
const FEW = 16;

/**
 * The part of the stack that lies outside the state. In the state is what this transition has pushed and what is being
 * undone; at its end everything else leaves. An entry that is needed comes into the state, at its place.
 */
export class StoredStack {
  readonly #state: SagaState;
  readonly #stored: Stored | undefined;
  readonly #keep: (change: StoredChange) => void;
  /** Entries that are in the state, or were until this transition took them off: their rows still say that they are outside. */
  readonly #fetched: Set<string>;
  /** Results that this transition brought for entries that are outside. */
  readonly #results = new Map<string, Json>();
  /** How far down a question was answered with entries that are all gone from there. */
  readonly #below = new Map<string, number>();

  constructor(state: SagaState, stored: Stored | undefined, keep: (change: StoredChange) => void) {
    this.#state = state;
    this.#stored = stored;
    this.#keep = keep;
    this.#fetched = new Set(state.stack.map(({ path }) => path));
  }

  /** The entry of a step, taken into the state. */
  take(path: string): StackEntry | undefined {
    const { stored } = this;
    if (stored === undefined || this.#fetched.has(path)) return undefined;
    const entry = stored.stackAt(path);
    return entry === undefined ? undefined : this.into(entry);
  }

  /** The newest entry inside a branch or block that stands above a place, taken into the state. */
  newest(scope: string, above: number): StackEntry | undefined {
    for (const entry of this.#remaining(scope, [], FETCHED_MIN)) {
      return (entry.place ?? 0) > above ? this.into(entry) : undefined;
    }
    return undefined;
  }

  /** The newest entries of some branches of a block, of each its newest; `branchOf` tells the branch of a path. */
  newestOfEach(
    block: string,
    except: readonly string[],
    count: number,
    branchOf: (path: string) => string | undefined,
  ): readonly StackEntry[] {
    const found = new Map<string | undefined, StackEntry>();
    if (count === 0) return [];
    for (const entry of this.#remaining(block, except, count)) {
      const branch = branchOf(entry.path);
      if (!found.has(branch)) found.set(branch, entry);
      if (found.size >= count) break;
    }
    return [...found.values()];
  }

  /** Those that are still outside, newest first; fetched part by part. */
  *#remaining(scope: string, except: readonly string[], atLeast: number): Generator<StackEntry> {
    const { stored } = this;
    if (stored === undefined) return;
    const key = JSON.stringify([scope, except]);
    let below = this.#below.get(key) ?? null;
    for (let untouched = false; ; ) {
      const limit = this.#fetched.size > FEW ? FETCHED_MAX : Math.min(FETCHED_MAX, Math.max(FETCHED_MIN, atLeast));
      const entries = stored.stack({ scope, except, below, limit });
      for (const entry of entries) {
        if (this.#fetched.has(entry.path)) continue;
        untouched = true;
        yield entry;
      }
      const lowest = entries.at(-1)?.place;
      if (lowest === undefined || entries.length < limit) return;
      below = lowest;
      // What is gone from the top is not looked at again.
      if (!untouched) this.#below.set(key, below);
    }
  }

  /** The child sagas among them. */
  children(): readonly StackEntry[] {
    return this.stored?.children().filter(({ path }) => !this.#fetched.has(path)) ?? [];
  }

  /** The step of an entry that is outside has given its result; `output`, which others read, is kept in its row anyway. */
  gave(path: string, result: Json, output: Json | undefined): void {
    if (this.stored === undefined) return;
    this.#results.set(path, result);
    if (output !== result) this.#keep({ path, result });
  }

  /** An entry that was outside is taken off. */
  dropped({ path, place }: StackEntry): void {
    if (place !== undefined) this.#keep({ path, stacked: 0 });
  }

  /** Nothing is ever undone any more. */
  clear(): void {
    delete this.#state.stacked;
  }

  /** The transition is over: what is not being undone leaves the state. */
  leave(): void {
    if (this.#stored === undefined) return;
    const staying: StackEntry[] = [];
    for (const entry of this.#state.stack) {
      if (entry.undo === undefined) this.#leave(entry);
      else staying.push(entry);
    }
    this.#state.stack = staying;
  }

  #leave({ path, input, output, child, place }: StackEntry): void {
    const { stacked = 0, lastPlace = 0 } = this.#state;
    this.#state.stacked = stacked + 1;
    if (place === undefined) {
      this.#state.lastPlace = lastPlace + 1;
      const result = output === undefined ? {} : { result: output };
      this.#keep({ path, stacked: lastPlace + 1, input, ...result, ...(child === undefined ? {} : { child }) });
    } else if (child !== undefined) this.#keep({ path, child });
  }

  /** Undefined when nothing can be there, so that nothing is asked for. */
  private get stored(): Stored | undefined {
    return (this.#state.stacked ?? 0) > 0 ? this.#stored : undefined;
  }

  /** Takes an entry into the state, at its place. */
  into(entry: StackEntry): StackEntry {
    const own: StackEntry = { ...entry, ...(entry.child === undefined ? {} : { child: { ...entry.child } }) };
    const result = this.#results.get(entry.path);
    if (result !== undefined) own.output = result;
    this.#fetched.add(entry.path);
    this.#state.stacked = (this.#state.stacked ?? 0) - 1;
    const { stack } = this.#state;
    const at = stack.findIndex(({ place }) => place === undefined || place > (entry.place ?? 0));
    stack.splice(at < 0 ? stack.length : at, 0, own);
    return own;
  }
}

/** Whether an entry lies inside a scope and in none of others. */
export function isWithin(path: string, scope: string, except: readonly string[]): boolean {
  return isInside(path, scope) && !except.some((other) => isInside(path, other));
}
