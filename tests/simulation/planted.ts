import { decide } from "../../engine/core/decide.ts";
import { branchingPlanted } from "../core/explorer/branching-planted.ts";
import { planted } from "../core/explorer/planted.ts";
import type { Bugs } from "./bugs.ts";

/** A bug that was put in on purpose: its name in the explorer's list (T1), and how it looks to the simulator (T2). */
export interface PlantedBug {
  readonly bug: string;
  /** Null: the explorer has one clock, one dispatcher and no transactions, and cannot see it. */
  readonly explorer: string | null;
  readonly bugs: Bugs;
}

const inExplorer = new Map([...planted, ...branchingPlanted].map((one) => [one.bug, one]));

/** The explorer's changed `decide`. */
function decideOf(name: string): Bugs {
  const found = inExplorer.get(name);
  if (found === undefined) throw new Error(`the explorer plants no bug "${name}"`);
  return { decide: found.model.decide };
}

function sameAs(bug: string, explorer: string, more: Bugs = {}): PlantedBug {
  return { bug, explorer, bugs: { ...decideOf(explorer), ...more } };
}

const swallowsCancel: typeof decide = (definition, facts, state, event, ...rest) => {
  const decision = decide(definition, facts, state, event, ...rest);
  const swallowed = event.type === "cancel.requested" && decision.kind === "transition";
  return swallowed ? { ...decision, state, outgoing: [], steps: [] } : decision;
};

/** What the simulator must find; if it did not, its silence about the real engine would mean nothing. */
export const PLANTED: readonly PlantedBug[] = [
  { bug: "dedupe by message id only", explorer: "participants ask no guard", bugs: { byMessageOnly: true } },
  sameAs("skip without answer", "a duplicate is skipped and not answered", { skipWithoutAnswer: true }),
  sameAs("compensation in forward order", "compensations run in forward order"),
  sameAs("compensate after the pivot", "a step is compensated after the pivot"),
  sameAs("late answer accepted twice", "a late answer is accepted twice"),
  sameAs("late answer counts for the next step", "a late success counts for the next step"),
  { bug: "timer fires twice", explorer: null, bugs: { timerStays: true } },
  sameAs("signal lost before its wait", "a signal is lost before its wait"),
  { bug: "cancel swallowed", explorer: "a child swallows its parent's cancel", bugs: { decide: swallowsCancel } },
  sameAs("branch failure leaves a branch running", "a branch's failure leaves the other running"),
  sameAs("child's stack forgotten", "a completed child's stack is forgotten"),
  sameAs("child never released", "a completed child is never released"),
  { bug: "saga not locked", explorer: null, bugs: { unlocked: true } },
  {
    bug: "a rewind runs a failed command whose step was given up",
    explorer: "a step is given up without asking its guard",
    bugs: { neverCloses: true },
  },
  sameAs("a step that runs is taken for closed", "a step that runs now is taken for closed"),
  sameAs("an unknown step is forgotten", "an unknown step is forgotten on the stack"),
  sameAs("attempts are not counted", "attempts are not counted"),
  sameAs("a given-up compensation is not kept", "a given-up compensation is not kept"),
];

/** Whether the explorer's own tests plant this bug. */
export function isInExplorer({ explorer }: PlantedBug): boolean {
  return explorer !== null && inExplorer.has(explorer);
}
