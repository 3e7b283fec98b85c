import { decide } from "../../../engine/core/decide.ts";
import type { Transition } from "../../../engine/core/decision.ts";
import type { SagaEvent } from "../../../engine/core/event.ts";

type Decide = typeof decide;

/** A bug that was put into the core on purpose, and what must be found. */
interface Planted {
  readonly bug: string;
  readonly decides: Decide;
  readonly violation: RegExp;
  /** The seed from which it is looked for. */
  readonly from: number;
}

/** What an event of one type decides, changed. */
function changing(type: SagaEvent["type"], change: (transition: Transition) => Transition): Decide {
  return (definition, facts, state, event, ...rest) => {
    const decision = decide(definition, facts, state, event, ...rest);
    return event.type === type && decision.kind === "transition" ? change(decision) : decision;
  };
}

/** A parent does not listen when its child says that something of it stands. */
const deafToLists: Decide = (definition, facts, state, event, ...rest) => {
  const heard =
    event.type === "child.ended" && event.status === "completed" ? { ...event, uncompensated: false } : event;
  return decide(definition, facts, state, heard, ...rest);
};

/** A child that nobody takes back any more does not tell its own children so. */
const neverReleases = changing("child.released", (transition) => ({
  ...transition,
  outgoing: transition.outgoing.filter(({ type }) => type !== "child.released"),
}));

/** A child that takes itself back leaves its own children as they are. */
const keepsGrandchildren: Decide = (definition, facts, state, event, ...rest) => {
  const decision = decide(definition, facts, state, event, ...rest);
  if (decision.kind !== "transition" || facts.parent === undefined || decision.state.reversal !== "running")
    return decision;
  const isBegun = ({ child, undo }: { child?: unknown; undo?: unknown }) => child !== undefined && undo === undefined;
  const stack = decision.state.stack.filter((entry) => !isBegun(entry));
  return { ...decision, state: { ...decision.state, stack } };
};

/** What is tried again has no deadline any more. */
const endless = changing("retry.requested", (transition) => {
  const timers = Object.entries(transition.state.timers).filter(([timer]) => !timer.startsWith("deadline:"));
  return { ...transition, state: { ...transition.state, timers: Object.fromEntries(timers) } };
});

/** What must be found, and the explorer does not find: its child has no child and lists nothing when it completes, and its deadlines may be missing. */
export const planted: readonly Planted[] = [
  { bug: "a parent does not list what its child lists", decides: deafToLists, violation: /^S17/, from: 300 },
  { bug: "a released child does not release its own", decides: neverReleases, violation: /^S15/, from: 700 },
  {
    bug: "a child is taken back without its own",
    decides: keepsGrandchildren,
    violation: /^S1|^Liveness/,
    from: 4_100,
  },
  { bug: "a retry forgets the deadlines", decides: endless, violation: /^S12/, from: 100 },
];
