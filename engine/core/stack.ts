import type { Draft } from "./draft.ts";
import { isInside, type Lane, lanesAt } from "./path.ts";
import type { StackEntry } from "./state.ts";

/** Puts what was sent on the stack (S5). Past the pivot nothing is ever undone. */
export function push(draft: Draft, entry: StackEntry): void {
  if (!draft.state.pivotPassed) draft.state.stack.push(entry);
}

/** The entry of a step, when it may have to be undone. */
export function entryAt(draft: Draft, path: string): StackEntry | undefined {
  return draft.state.stack.findLast((entry) => entry.path === path);
}

/** Takes an entry off: it is undone, has nothing to undo, or is listed. */
export function drop(draft: Draft, path: string): void {
  draft.state.stack = draft.state.stack.filter((entry) => entry.path !== path);
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
  const newestFirst = draft.state.stack.filter(({ path }) => isInside(path, scope)).toReversed();
  return tops(draft, newestFirst, scope);
}

function tops(draft: Draft, newestFirst: readonly StackEntry[], scope: string): readonly StackEntry[] {
  const [last] = newestFirst;
  if (last === undefined) return [];
  const lane = lanesAt(draft.definition, last.path).find(({ branch }) => branch !== scope && isInside(branch, scope));
  if (lane === undefined) return [last];
  const branches = new Map<string, StackEntry[]>();
  for (const entry of newestFirst) {
    const branch = branchIn(lane, entry.path);
    // What stands before the block on the stack waits until the block is undone.
    if (branch === undefined) break;
    const known = branches.get(branch);
    if (known === undefined) branches.set(branch, [entry]);
    else known.push(entry);
  }
  const inProgress = (branch: readonly StackEntry[]) => branch.some(({ undo }) => undo !== undefined);
  const all = [...branches].toSorted(([, one], [, other]) => Number(inProgress(other)) - Number(inProgress(one)));
  const atOnce = lane.step.kind === "each" ? lane.step.concurrency : all.length;
  return all.slice(0, atOnce).flatMap(([branch, own]) => tops(draft, own, branch));
}

/** The branch of a block that a path lies in. Read from the path alone: a list may have ten thousand items to undo. */
function branchIn({ block, step }: Lane, path: string): string | undefined {
  const [opens, closes] = step.kind === "each" ? ["[", "]"] : ["/", "/"];
  if (!path.startsWith(block + opens)) return undefined;
  const end = path.indexOf(closes, block.length + 1);
  return step.kind === "each" ? path.slice(0, end + 1) : path.slice(0, end);
}
