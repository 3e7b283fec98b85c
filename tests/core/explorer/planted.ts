import { decide, newborn } from "../../../engine/core/decide.ts";
import type { Decision } from "../../../engine/core/decision.ts";
import type { GuardOutcome, Read } from "../../../engine/core/event.ts";
import type { Planted } from "./branching-planted.ts";
import { catching, external, patientPivot, optional, pivot, sequence } from "./models.ts";
import type { Model, ModelFaults } from "./world.ts";

type Decide = typeof decide;
type Args = Parameters<Decide>;

function inDecide(bug: string, model: Model, wrapped: Decide, violation: RegExp): Planted {
  return { bug, model: { ...model, decide: wrapped }, violation };
}

function inModel(bug: string, model: Model, faults: ModelFaults, violation: RegExp): Planted {
  return { bug, model: { ...model, faults }, violation };
}

const forwardOrder: Decide = (definition, facts, state, ...rest) => {
  const decision = decide(definition, facts, state, ...rest);
  const turns = decision.kind === "transition" && state.failure === undefined && decision.state.failure !== undefined;
  return turns ? decide(definition, facts, { ...state, stack: state.stack.toReversed() }, ...rest) : decision;
};

const lateSuccessCounts: Decide = (definition, facts, state, event, read, evaluator) => {
  const decision = decide(definition, facts, state, event, read, evaluator);
  const next = definition.steps[state.root.at]?.id;
  if (decision.kind !== "no-op" || event.type !== "step.succeeded" || next === undefined) return decision;
  return decide(definition, facts, state, { ...event, path: next }, read, evaluator);
};

/** Answers the core's questions for a guard in its place (`undefined` comes in), or changes the answers. */
export function answering(change: (outcome: GuardOutcome | undefined) => GuardOutcome | undefined): Decide {
  return (definition, facts, state, event, read, evaluator) => {
    const ask = (guards: Read["guards"]): Decision => {
      const changed = Object.entries(guards).map(([path, outcome]) => [path, change(outcome) ?? outcome] as const);
      const told = { ...read, guards: Object.fromEntries(changed) };
      const decision = decide(definition, facts, state, event, told, evaluator);
      const own = decision.kind === "needs" ? change(undefined) : undefined;
      return decision.kind === "needs" && own !== undefined ? ask({ ...guards, [decision.path]: own }) : decision;
    };
    return ask(read.guards);
  };
}

const neverAsks = answering((outcome) => (outcome === undefined ? { state: "closed" } : undefined));
const forgetsUnknown = answering((outcome) => (outcome?.state === "unknown" ? { state: "closed" } : undefined));
const forgetsRunning = answering((outcome) => (outcome?.state === "running" ? { state: "closed" } : undefined));

const countsNothing: Decide = (definition, facts, state, ...rest) => {
  const copy = structuredClone(state);
  if (copy.root.current?.kind === "command") copy.root.current.used = 0;
  return decide(definition, facts, copy, ...rest);
};

const forgetsCancel: Decide = (...args: Args) => {
  const decision = decide(...args);
  if (decision.kind !== "transition" || decision.state.closing === undefined) return decision;
  const { closing: _closing, ...state } = decision.state;
  return { ...decision, state: { ...state, timers: {} } };
};

const leavesFinal: Decide = (definition, facts, state, event, ...rest) => {
  const decision = decide(definition, facts, state, event, ...rest);
  if (decision.kind !== "no-op" || decision.reason !== "final") return decision;
  return { kind: "transition", state: newborn(), outgoing: [], steps: [], stored: [], reopen: [], keep: [], taken: {} };
};

/** Harmless alone, for a settled command is answered again under the newest attempt. */
const newestOnly: Decide = (definition, facts, state, event, ...rest) => {
  const { current } = state.root;
  const older = event.type === "step.succeeded" && current?.kind === "command" && current.attempt !== event.attempt;
  return older ? { kind: "no-op", reason: "late" } : decide(definition, facts, state, event, ...rest);
};

const keepsNothing: Decide = (...args: Args) => {
  const decision = decide(...args);
  return decision.kind === "transition" ? { ...decision, keep: [] } : decision;
};

const newest: Model = { ...catching, decide: newestOnly };

/** What the explorer must find; if it did not, its silence about the real core would mean nothing. */
export const planted: readonly Planted[] = [
  inDecide("compensations run in forward order", sequence, forwardOrder, /^I4: a was compensated before b/),
  inDecide("a late success counts for the next step", sequence, lateSuccessCounts, /^I/),
  inDecide("a step is given up without asking its guard", sequence, neverAsks, /^I[234]/),
  inDecide("a step that runs now is taken for closed", sequence, forgetsRunning, /^I[234]/),
  inDecide("an unknown step is forgotten on the stack", external, forgetsUnknown, /^I[34]/),
  inDecide("attempts are not counted", sequence, countsNothing, /^I12/),
  inDecide("a cancel is forgotten while the step runs", catching, forgetsCancel, /^I4|^Liveness/),
  inDecide("a final status is left", catching, leavesFinal, /^I1/),
  inDecide("a given-up compensation is not kept", optional, keepsNothing, /^I3/),
  inModel("a duplicate is skipped and not answered", newest, { skipWithoutAnswer: true }, /^Liveness/),
  inModel("participants ask no guard", sequence, { noGuard: true }, /^I/),
  inModel("participants around a pivot ask no guard", pivot, { noGuard: true }, /^I/),
  inModel("asking for a pivot's guard settles it", patientPivot, { settlePivots: true }, /^Liveness/),
  inModel("a call takes back what an earlier one started", external, { startedOverwritten: true }, /^I[34]/),
];
