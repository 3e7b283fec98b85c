import type { Json } from "./json.ts";
import type { ChildEntry, StackEntry } from "./state.ts";

/**
 * What of a saga lies outside its state, in the rows of its steps: outputs of finished steps, the stack, the lists that
 * an `each` runs over. All of it was written by earlier transitions of the same saga, so it is no input of its own and
 * is not recorded with a transition; whoever folds a saga's events has it in memory. `decide` reads it where it needs
 * it. An implementation that has to fetch something first throws; `decide` lets that pass and leaves nothing half done,
 * so that it can be asked again.
 */
export interface Stored {
  /** Most outputs that stay in the state, in each item of a list too. */
  readonly outputsMax: number;
  /** What stands at these paths; steps of which nothing is kept, or whose values are forgotten, are left out. */
  values(paths: readonly string[]): ReadonlyMap<string, StoredValue>;
  /** Entries of the stack, newest first. */
  stack(query: StackQuery): readonly StackEntry[];
  /** The entry of one step; undefined: it is not on the stack. */
  stackAt(path: string): StackEntry | undefined;
  /** The child sagas on the stack. */
  children(): readonly StackEntry[];
  /** A part of the list of an `each`: from `from` to before `to`. */
  items(path: string, from: number, to: number): readonly Json[];
  /** Outputs of the step `last` in the items of an `each`, by the item's number. */
  results(path: string, last: string): ReadonlyMap<number, Json>;
}

/** What is kept of a step: the output that others read, and its result (of a `set`: its values) where that is another. */
export interface StoredValue {
  readonly output?: Json;
  readonly result?: Json;
}

/** Entries inside `scope` and in none of `except`; with `below`, only those that stand under that place. */
export interface StackQuery {
  readonly scope: string;
  readonly except: readonly string[];
  readonly below: number | null;
  readonly limit: number;
}

/** Change of what is kept of a step; absent fields stay as they are. */
export interface StoredChange {
  readonly path: string;
  /** What it was sent, or the list of an `each`. */
  readonly input?: Json;
  readonly result?: Json;
  readonly child?: ChildEntry;
  /** Its place on the stack; 0: it is off. */
  readonly stacked?: number;
  /** What it gave is read by nobody any more: it lost a race, or its block was taken back. Stays so. */
  readonly forgotten?: true;
}
