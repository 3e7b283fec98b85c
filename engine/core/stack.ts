import type { Draft } from "./draft.ts";
import type { Json } from "./json.ts";
import { allSteps, isInside, type Lane, lanesAt } from "./path.ts";
import type { StackEntry } from "./state.ts";
import { isWithin } from "./stored-stack.ts";

/** Puts what was sent on the stack (S5). Past the pivot nothing is ever undone. */
export function push(draft: Draft, entry: StackEntry): void {
  if (!draft.state.pivotPassed) draft.state.stack.push(entry);
}

/** The entry of a step, when it is at hand: pushed by this transition, or being undone. */
export function entryAt(draft: Draft, path: string): StackEntry | undefined {
  return draft.state.stack.findLast((entry) => entry.path === path);
}

/** The entry of a step, wherever it lies. */
export function takeEntry(draft: Draft, path: string): StackEntry | undefined {
  return entryAt(draft, path) ?? draft.outside.take(path);
}

/** A step that may have to be undone has given its result; `output` is what others read of it. */
export function keepResult(draft: Draft, path: string, result: Json, output: Json | undefined): void {
  const entry = entryAt(draft, path);
  if (entry === undefined) return draft.outside.gave(path, result, output);
  entry.output = result;
  if (entry.place !== undefined && output !== result) draft.store({ path, result });
}

/** A step that may have to be undone was sent another input. */
export function replaceInput(draft: Draft, path: string, input: Json): void {
  const entry = takeEntry(draft, path);
  if (entry === undefined) return;
  entry.input = input;
  if (entry.place !== undefined) draft.store({ path, input });
}

/** Takes an entry off: it is undone, has nothing to undo, or is listed. */
export function drop(draft: Draft, path: string): void {
  const entry = takeEntry(draft, path);
  if (entry === undefined) return;
  draft.outside.dropped(entry);
  draft.state.stack = draft.state.stack.filter((other) => other.path !== path);
}

/** From here on nothing is ever undone. */
export function clearStack(draft: Draft): void {
  draft.state.stack = [];
  draft.outside.clear();
}

/** How many entries there are. */
export function depthOf({ state }: Draft): number {
  return state.stack.length + (state.stacked ?? 0);
}

/** The child sagas on the stack, in the order of sending; a definition without `saga` steps asks for none. */
export function childEntries(draft: Draft): readonly StackEntry[] {
  const here = draft.state.stack.filter(({ child }) => child !== undefined);
  const some = [...allSteps(draft.definition).values()].some(({ kind }) => kind === "saga");
  const outside = some ? draft.outside.children() : [];
  return [...outside, ...here].toSorted((one, other) => placeOf(one) - placeOf(other));
}

/** What is being undone at this moment. */
export function undone(draft: Draft): readonly StackEntry[] {
  return draft.state.stack.filter(({ undo }) => undo !== undefined);
}

/**
 * The entries inside a branch or a block (everything, for the empty scope) that are undone next: the last one, or, when
 * that one belongs to a block, the last one of each of the block's branches (S7).
 */
export function topsIn(draft: Draft, scope: string): readonly StackEntry[] {
  // What is being undone is last already: nothing is pushed behind it.
  const top = undone(draft).findLast(({ path }) => isInside(path, scope)) ?? newestIn(draft, scope);
  return top === undefined ? [] : topsBelow(draft, scope, top);
}

/** What is undone next in a scope whose newest entry is known. */
function topsBelow(draft: Draft, scope: string, top: StackEntry): readonly StackEntry[] {
  const lane = lanesAt(draft.definition, top.path).find(({ branch }) => branch !== scope && isInside(branch, scope));
  if (lane === undefined) return [top];
  const branchOf = (path: string) => branchIn(lane, path);
  const begun = [
    ...new Set(
      undone(draft)
        .toReversed()
        .flatMap(({ path }) => branchOf(path) ?? []),
    ),
  ];
  const atOnce = lane.step.kind === "each" ? lane.step.concurrency : lane.step.branches.length;
  const more = newestOfEach(draft, lane, begun, Math.max(0, atOnce - begun.length));
  return [
    ...begun.slice(0, atOnce).flatMap((branch) => topsIn(draft, branch)),
    ...more.flatMap((entry) => topsBelow(draft, branchOf(entry.path) ?? scope, entry)),
  ];
}

/** Of some branches of a block the newest entry of each, the newest branch first. */
function newestOfEach(draft: Draft, lane: Lane, except: readonly string[], count: number): readonly StackEntry[] {
  const branchOf = (path: string) => branchIn(lane, path);
  const here = draft.state.stack.filter(({ path }) => isWithin(path, lane.block, except));
  const outside = draft.outside.newestOfEach(lane.block, except, count, branchOf);
  const newest = new Map<string | undefined, StackEntry>();
  for (const entry of [...here.toReversed(), ...outside].toSorted((one, other) => placeOf(other) - placeOf(one))) {
    const branch = branchOf(entry.path);
    if (!newest.has(branch)) newest.set(branch, entry);
  }
  const own = new Set(here);
  return [...newest.values()].slice(0, count).map((entry) => (own.has(entry) ? entry : draft.outside.into(entry)));
}

/** One without a place was pushed by this transition, or nothing ever leaves the state. */
function placeOf({ place }: StackEntry): number {
  return place ?? Number.MAX_SAFE_INTEGER;
}

/** The newest entry inside a scope. */
function newestIn(draft: Draft, scope: string): StackEntry | undefined {
  const here = draft.state.stack.findLast(({ path }) => isInside(path, scope));
  if (here !== undefined && here.place === undefined) return here;
  return draft.outside.newest(scope, here?.place ?? 0) ?? here;
}

/** The branch of a block that a path lies in. Read from the path alone: a list may have ten thousand items to undo. */
function branchIn({ block, step }: Lane, path: string): string | undefined {
  const [opens, closes] = step.kind === "each" ? ["[", "]"] : ["/", "/"];
  if (!path.startsWith(block + opens)) return undefined;
  const end = path.indexOf(closes, block.length + 1);
  return step.kind === "each" ? path.slice(0, end + 1) : path.slice(0, end);
}
