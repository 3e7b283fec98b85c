import { decide } from "../../../engine/core/decide.ts";
import type { SagaState } from "../../../engine/core/state.ts";
import { behindPivot, bySteps, caughtBlock, each, life, parallel, race } from "./branching-models.ts";
import { child } from "./child-models.ts";
import type { Model } from "./world.ts";

type Decide = typeof decide;

/** A bug that was put in on purpose, where it is looked for, and what must be found. */
export interface Planted {
  readonly bug: string;
  readonly model: Model;
  readonly violation: RegExp;
}

function planted(bug: string, model: Model, wrapped: Decide, violation: RegExp): Planted {
  return { bug, model: { ...model, decide: wrapped }, violation };
}

/** The state before a transition, changed. */
function seeing(change: (state: SagaState) => void): Decide {
  return (definition, facts, state, ...rest) => {
    const copy = structuredClone(state);
    change(copy);
    return decide(definition, facts, copy, ...rest);
  };
}

/** The state after a transition, changed. */
function leaving(change: (state: SagaState, before: SagaState) => void): Decide {
  return (definition, facts, before, ...rest) => {
    const decision = decide(definition, facts, before, ...rest);
    if (decision.kind !== "transition") return decision;
    const state = structuredClone(decision.state);
    change(state, before);
    return { ...decision, state };
  };
}

/** A failure of a branch stays in its branch: the others go on. */
const branchRunsOn = seeing((state) => {
  const { current } = state.root;
  if (current?.kind === "branches") delete current.failure;
});

const turnsStackOnce = leaving((state, before) => {
  if (before.failure === undefined && state.failure !== undefined) state.stack.reverse();
});

const forgetsChildStack = leaving((state) => {
  if (state.status === "completed") state.stack = [];
});

const forgetsWinner = seeing((state) => {
  const { current } = state.root;
  if (current?.kind === "branches") delete current.winner;
});

const forgetsPivot = leaving((state) => {
  state.pivotPassed = false;
});

/** Takes the losers for undone as soon as they are closed. */
const forgetsLosers = leaving((state) => {
  const { current } = state.root;
  if (current?.kind === "branches" && current.winner !== undefined) {
    state.stack = state.stack.filter(({ path }) => path.startsWith(`offers/${current.winner}`));
  }
});

const remembersLosers = leaving((state, before) => {
  state.outputs = { ...before.outputs, ...state.outputs };
});

const loses: Decide = leaving((state) => {
  if (state.waitingFor.length === 0) state.mailbox = [];
});

const swallowsCancel: Decide = (definition, facts, state, event, ...rest) => {
  const decision = decide(definition, facts, state, event, ...rest);
  const asked = event.type === "cancel.requested" && facts.id.endsWith("1");
  return asked && decision.kind === "transition" ? { ...decision, state, outgoing: [], steps: [] } : decision;
};

const neverReleases: Decide = (...args) => {
  const decision = decide(...args);
  if (decision.kind !== "transition") return decision;
  return { ...decision, outgoing: decision.outgoing.filter(({ type }) => type !== "child.released") };
};

const itemsForgotten = leaving((state) => {
  const { current } = state.root;
  if (current?.kind === "branches") state.stack = state.stack.filter(({ path }) => path in (current.branches ?? {}));
});

/** Begins a list of compensating steps without asking whether its step may have run. */
const listsUnasked: Decide = (definition, facts, state, event, read, evaluator) => {
  const decision = decide(definition, facts, state, event, read, evaluator);
  if (decision.kind !== "needs") return decision;
  const guards = { ...read.guards, [decision.path]: { state: "unknown" } as const };
  return listsUnasked(definition, facts, state, event, { ...read, guards }, evaluator);
};

/** A late answer of a step that was undone with its block counts for it a second time. */
const undoesTwice: Decide = (definition, facts, state, event, ...rest) => {
  const decision = decide(definition, facts, state, event, ...rest);
  if (decision.kind !== "no-op" || decision.reason !== "late" || event.type !== "step.succeeded") return decision;
  const copy = structuredClone(state);
  copy.stack.push({ path: event.path, input: {} });
  return { kind: "transition", state: copy, outgoing: [], steps: [], stored: [], reopen: [], keep: [], taken: {} };
};

const neverExpires: Decide = (definition, facts, state, event, ...rest) => {
  const decision = decide(definition, facts, state, event, ...rest);
  const life = event.type === "timer.fired" && event.timer === "deadline:" && decision.kind === "transition";
  return life ? { ...decision, state: { ...decision.state, status: "failed", stack: [] } } : decision;
};

/** The planted bugs of everything with more than one place. */
export const branchingPlanted: readonly Planted[] = [
  planted("a branch's failure leaves the other running", parallel, branchRunsOn, /^I|^Liveness/),
  planted("the branches of a block are undone in forward order", parallel, turnsStackOnce, /^I4/),
  planted("the items of a list are forgotten on the stack", each, itemsForgotten, /^I3/),
  planted("the winner of a race is forgotten", race, forgetsWinner, /^I|^Liveness/),
  planted("the losers of a race are not undone", race, forgetsLosers, /^I3/),
  planted("what a race's loser has kept stays readable", race, remembersLosers, /^S10/),
  planted("what a block has kept that catches stays readable", caughtBlock, remembersLosers, /^S10/),
  planted("a completed child's stack is forgotten", child, forgetsChildStack, /^I[34]/),
  planted("a child swallows its parent's cancel", child, swallowsCancel, /^Liveness|^I/),
  planted("a completed child is never released", child, neverReleases, /^S15/),
  planted("a step is compensated after the pivot", behindPivot, forgetsPivot, /^I4/),
  planted("a signal is lost before its wait", caughtBlock, loses, /^I7/),
  planted("a late answer is accepted twice", caughtBlock, undoesTwice, /^I|^Liveness/),
  planted("a list undoes a step that never ran", bySteps, listsUnasked, /^I2/),
  planted("a saga over its total deadline ends without undoing", life, neverExpires, /^I3/),
];
