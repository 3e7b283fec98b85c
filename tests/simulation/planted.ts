import { decide } from "../../engine/core/decide.ts";
import type { BlockState } from "../../engine/core/state.ts";
import { branchingPlanted } from "../core/explorer/branching-planted.ts";
import { planted } from "../core/explorer/planted.ts";
import type { Bugs } from "./bugs.ts";

/** A bug that was put in on purpose: its name in the explorer's list (T1), and how it looks to the simulator (T2). */
export interface PlantedBug {
  readonly bug: string;
  /** Null: the explorer has one clock, one dispatcher and no transactions, and cannot see it. */
  readonly explorer: string | null;
  /** Null: so rare in random runs that its seeds would take longer than all others. */
  readonly bugs: Bugs | null;
}

const inExplorer = new Map([...planted, ...branchingPlanted].map((one) => [one.bug, one]));

/** The explorer's changed `decide`. What it changes lies in the state, so that nothing may leave it. */
function decideOf(name: string): Bugs {
  const changed = inExplorer.get(name)?.model.decide;
  if (changed === undefined) throw new Error(`the explorer plants no bug "${name}"`);
  return {
    decide: (definition, facts, state, event, read, evaluator) =>
      changed(definition, facts, state, event, read, evaluator),
  };
}

function sameAs(bug: string, explorer: string): PlantedBug {
  return { bug, explorer, bugs: decideOf(explorer) };
}

const swallowsCancel: typeof decide = (definition, facts, state, event, ...rest) => {
  const decision = decide(definition, facts, state, event, ...rest);
  const swallowed = event.type === "cancel.requested" && decision.kind === "transition";
  return swallowed ? { ...decision, state, outgoing: [], steps: [], stored: [] } : decision;
};

/** A failure of a branch stays in its branch, at any depth. */
const branchRunsOn: typeof decide = (definition, facts, state, ...rest) => {
  const copy = structuredClone(state);
  forgetFailures(copy.root);
  return decide(definition, facts, copy, ...rest);
};

function forgetFailures({ current }: BlockState): void {
  if (current?.kind === "block") forgetFailures(current.block);
  if (current?.kind !== "branches") return;
  delete current.failure;
  for (const branch of Object.values(current.branches)) if ("root" in branch) forgetFailures(branch.root);
}

/** What the simulator must find; if it did not, its silence about the real engine would mean nothing. */
export const PLANTED: readonly PlantedBug[] = [
  { bug: "dedupe by message id only", explorer: "participants ask no guard", bugs: { byMessageOnly: true } },
  // Only together with a core that hears the newest attempt alone; the call of an older one must succeed between two others.
  { bug: "skip without answer", explorer: "a duplicate is skipped and not answered", bugs: null },
  sameAs("compensation in forward order", "compensations run in forward order"),
  sameAs("compensate after the pivot", "a step is compensated after the pivot"),
  sameAs("late answer accepted twice", "a late answer is accepted twice"),
  sameAs("late answer counts for the next step", "a late success counts for the next step"),
  { bug: "timer fires twice", explorer: null, bugs: { timerStays: true } },
  sameAs("signal lost before its wait", "a signal is lost before its wait"),
  { bug: "cancel swallowed", explorer: "a child swallows its parent's cancel", bugs: { decide: swallowsCancel } },
  {
    bug: "branch failure leaves a branch running",
    explorer: "a branch's failure leaves the other running",
    bugs: { decide: branchRunsOn },
  },
  sameAs("child's stack forgotten", "a completed child's stack is forgotten"),
  sameAs("child never released", "a completed child is never released"),
  { bug: "saga not locked", explorer: null, bugs: { unlocked: true } },
  { bug: "memory of a saga is believed", explorer: null, bugs: { believesMemory: true } },
  {
    bug: "a rewind runs a failed command whose step was given up",
    explorer: "a step is given up without asking its guard",
    bugs: { neverCloses: true },
  },
  sameAs("a step that runs is taken for closed", "a step that runs now is taken for closed"),
  sameAs("an unknown step is forgotten", "an unknown step is forgotten on the stack"),
  sameAs("attempts are not counted", "attempts are not counted"),
  { bug: "a given-up compensation is not kept", explorer: "a given-up compensation is not kept", bugs: null },
];

/** Whether the explorer's own tests plant this bug. */
export function isInExplorer({ explorer }: PlantedBug): boolean {
  return explorer !== null && inExplorer.has(explorer);
}
