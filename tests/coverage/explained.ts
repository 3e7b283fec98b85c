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
    branch:
      "enter.ts: const afterMs = step.until === undefined ? (step.forMs ?? 0) : msUntil(draft, frame, step, step.until, path); (binary-expr 2)",
    why: "the parser gives every sleep one of the two",
  },
  {
    branch: "path.ts: return blocksOf(step).find((block) => block.name === name)?.steps ?? []; (binary-expr 2)",
    why: "a branch in the state was taken from the same definition: a saga is pinned to its revision",
  },
  {
    branch:
      "stack.ts: ...more.flatMap((entry) => topsBelow(draft, branchOf(entry.path) ?? scope, entry)), (binary-expr 2)",
    why: "what lies in a block lies in one of its branches until the last of them has no entry: its catch block runs when all are undone",
  },
  {
    branch: "stored-stack.ts: return (entry.place ?? 0) > above ? this.into(entry) : undefined; (binary-expr 2)",
    why: "the entry comes from outside the state, where each has its place; only the type does not know it",
  },
  {
    branch: "edit.ts: if (pending.frame.closing !== undefined) return false; (taken)",
    why: "a block that closes gives its commands up in the same transition: each of them is `closing` by then",
  },
  {
    branch: "stored-stack.ts: this.#state.stacked = (this.#state.stacked ?? 0) - 1; (binary-expr 2)",
    why: "nothing is fetched where nothing is counted as outside",
  },
  {
    branch:
      "stored-stack.ts: const at = stack.findIndex(({ place }) => place === undefined || place > (entry.place ?? 0)); (binary-expr 2)",
    why: "the entry comes from outside the state, where each has its place; only the type does not know it",
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
  {
    branch:
      "values.ts: return this.#state.lists?.[path]?.length ?? this.#state.ahead?.[path]?.count ?? 0; (binary-expr 3)",
    why: "an `each` keeps its list, or how long it is, from its beginning to its end, and nobody else asks",
  },
  {
    branch: "values.ts: const known = this.#state.ahead?.[block] ?? { count: 0, from: 0, values: [] }; (binary-expr 2)",
    why: "a list that has left the state while its `each` runs stands in `ahead`",
  },
  {
    branch:
      "values.ts: const [value = null, ...rest] = here.length > 0 ? here : stored.items(block, index, index + AHEAD); (default-arg 1)",
    why: "no item is begun behind the end of its list, which is kept whole",
  },
  {
    branch: "values.ts: return this.#stored?.items(block, index, index + 1)[0] ?? null; (binary-expr 2)",
    why: "no item is begun behind the end of its list, which is kept whole",
  },
  {
    branch: 'values.ts: return step.kind === "each" ? step.steps.at(-1) : undefined; (else)',
    why: "the lane was looked for by this very kind; only the type does not know it",
  },
  {
    branch:
      'terminate.ts: return draft.state.parked?.step ?? forward?.path ?? undone(draft)[0]?.path ?? "output"; (binary-expr 4)',
    why: "a saga that has not ended is parked, or has a step in progress, or undoes one; only the type does not know it",
  },
  {
    branch: 'json-scan.ts: const literal = NUMBER.exec(this.#text)?.[0] ?? ""; (binary-expr 2)',
    why: "in JSON that was parsed, what begins no other value is a number",
  },
  {
    branch: 'json-scan.ts: const mantissa = literal.split(/[eE]/)[0] ?? ""; (binary-expr 2)',
    why: "a split has a first part; only the type does not know it",
  },
];
