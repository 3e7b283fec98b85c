import type { Explained } from "./branches.ts";

/**
 * The branches of `engine/core` that no test takes, because nothing can. `bun run coverage` fails for any other, and for
 * one of these that is taken after all, or whose line is gone.
 */
export const explained: readonly Explained[] = [
  {
    branch: "backward.ts: if (frame === undefined) return; (taken)",
    why: "the caller has asked that a list is in progress; only the type does not know it",
  },
  {
    branch:
      "branches.ts: } else if (frame.closing !== undefined) state.branches[id] = { undoing: frame.closing }; (not taken)",
    why: "only an `end` would leave a branch so, and the checks refuse an `end` in a branch",
  },
  {
    branch: 'child-answer.ts: if (open.state.phase !== "open") return false; (taken)',
    why: "whatever takes a child out of `open` clears its deadline in the same transition",
  },
  {
    branch:
      "child-answer.ts: if (step.deadlineMs !== undefined) draft.setTimer(`deadline:${path}`, step.deadlineMs); (not taken)",
    why: "a child that still runs is parked by its deadline alone, so that there is one",
  },
  {
    branch: "child-side.ts: if (facts.parent === undefined) return; (taken)",
    why: "only a parent can ask for the reversal that ends here; `decide` refuses it for a saga without one",
  },
  {
    branch: "draft.ts: return this.state.lists?.[path] ?? []; (binary-expr 2)",
    why: "an `each` keeps its list before it has an item that could ask for it",
  },
  {
    branch:
      'draft.ts: return { branch: lane.branch, steps: lane.step.kind === "each" ? lane.step.steps : [], state }; (else)',
    why: "the lane was looked for by this very kind; only the type does not know it",
  },
  {
    branch:
      "enter.ts: const afterMs = step.until === undefined ? (step.forMs ?? 0) : msUntil(draft, frame, step, step.until, path); (binary-expr 2)",
    why: "the parser gives every sleep one of the two",
  },
  {
    branch: "path.ts: return blocksOf(step).find((block) => block.name === name)?.steps ?? []; (binary-expr 2)",
    why: "a branch in the state was taken from the same definition: a saga is pinned to its revision",
  },
  {
    branch: "timer.ts: default: (case)",
    why: "whatever ends or parks a step clears its deadline in the same transition",
  },
  {
    branch: "timer.ts: if (pending === undefined) return false; (taken)",
    why: "the state was found to be a command's; only the type does not know that its step is one",
  },
  {
    branch: 'timer.ts: if (place?.state.kind !== "sleep") return false; (taken)',
    why: "whatever ends a sleep clears its timer in the same transition",
  },
];
