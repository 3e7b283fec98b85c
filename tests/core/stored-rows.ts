import type { Transition } from "../../engine/core/decision.ts";
import type { Json } from "../../engine/core/json.ts";
import { branchPath } from "../../engine/core/path.ts";
import type { ChildEntry, StackEntry } from "../../engine/core/state.ts";
import type { Stored, StoredValue } from "../../engine/core/stored.ts";
import { isWithin } from "../../engine/core/stored-stack.ts";

/** What `saga_step` keeps of one step. */
export interface StoredRow {
  readonly input?: Json;
  readonly output?: Json;
  readonly result?: Json;
  readonly child?: ChildEntry;
  readonly stacked?: number;
  readonly forgotten?: true;
}

/** The rows of a saga's steps by path, in memory. */
export type StoredRows = Readonly<Record<string, StoredRow>>;

/** The rows after a transition. */
export function rowsAfter(rows: StoredRows, { steps, stored }: Pick<Transition, "steps" | "stored">): StoredRows {
  const next: Record<string, StoredRow> = { ...rows };
  for (const { path, output } of steps) if (output !== undefined) next[path] = { ...next[path], output };
  for (const { path, ...change } of stored) next[path] = { ...next[path], ...change };
  return next;
}

/** Reads rows as `decide` asks for them. By default nothing stays in the state that can leave it. */
export function storedIn(rows: StoredRows, outputsMax = 0): Stored {
  const stack = Object.entries(rows)
    .filter(([, row]) => (row.stacked ?? 0) > 0)
    .map(([path, row]) => entryOf(path, row))
    .toSorted((one, other) => (other.place ?? 0) - (one.place ?? 0));
  return {
    outputsMax,
    values: (paths) =>
      new Map(
        paths.flatMap((path) => {
          const row = rows[path];
          return row === undefined || row.forgotten ? [] : [[path, storedValue(row)]];
        }),
      ),
    stack: ({ scope, except, below, limit }) =>
      stack
        .filter(({ path, place = 0 }) => isWithin(path, scope, except) && (below === null || place < below))
        .slice(0, limit),
    stackAt: (path) => stack.find((entry) => entry.path === path),
    children: () => stack.filter(({ child }) => child !== undefined).toReversed(),
    items: (path, from, to) => ((rows[path]?.input ?? []) as readonly Json[]).slice(from, to),
    results: (path, last) => resultsOf(rows, path, last),
  };
}

function storedValue({ output, result }: StoredRow): StoredValue {
  return { ...(output === undefined ? {} : { output }), ...(result === undefined ? {} : { result }) };
}

function entryOf(path: string, { input = null, output, result = output, child, stacked = 0 }: StoredRow): StackEntry {
  const known = result === undefined ? {} : { output: result };
  return { path, input, place: stacked, ...known, ...(child === undefined ? {} : { child }) };
}

function resultsOf(rows: StoredRows, path: string, last: string): ReadonlyMap<number, Json> {
  const found = new Map<number, Json>();
  for (let index = 0; branchPath(path, `[${index}]/${last}`) in rows || index < 100; index += 1) {
    const output = rows[branchPath(path, `[${index}]/${last}`)]?.output;
    if (output !== undefined) found.set(index, output);
  }
  return found;
}
