import { decide } from "../../../engine/core/decide.ts";
import type { Transition } from "../../../engine/core/decision.ts";
import type { SagaEvent } from "../../../engine/core/event.ts";
import type { Planted } from "./branching-planted.ts";
import { edited, helped, helpedChild, helpedLast, helpedLists } from "./operator-models.ts";
import { answering } from "./planted.ts";
import type { Model } from "./world.ts";

type Decide = typeof decide;

function planted(bug: string, model: Model, wrapped: Decide, violation: RegExp): Planted {
  return { bug, model: { ...model, decide: wrapped }, violation };
}

/** What an event of one type decides, changed. */
function changing(type: SagaEvent["type"], change: (transition: Transition) => Transition): Decide {
  return (definition, facts, state, event, ...rest) => {
    const decision = decide(definition, facts, state, event, ...rest);
    return event.type === type && decision.kind === "transition" ? change(decision) : decision;
  };
}

/** Only for one event, another way to decide. */
function at(type: SagaEvent["type"], other: Decide): Decide {
  return (definition, facts, state, event, ...rest) =>
    (event.type === type ? other : decide)(definition, facts, state, event, ...rest);
}

const unasked = answering((outcome) => (outcome === undefined ? { state: "closed" } : undefined));
const runningIsClosed = answering((outcome) => (outcome?.state === "running" ? { state: "closed" } : undefined));
const unknownIsClosed = answering((outcome) => (outcome?.state === "unknown" ? { state: "closed" } : undefined));

const silent = changing("resolve.requested", ({ resolved: _resolved, ...transition }) => transition);
const unkept = changing("skip.requested", (transition) => ({ ...transition, keep: [] }));
const forgetful = changing("terminate.requested", (transition) => ({
  ...transition,
  state: { ...transition.state, stack: [], stacked: 0 },
}));
const childless = changing("terminate.requested", (transition) => ({
  ...transition,
  outgoing: transition.outgoing.filter(({ type }) => type !== "parent.terminated"),
}));

/** As an earlier version did. */
function bySemantics(semantics: number): Decide {
  return (definition, facts, state, event, read, ...rest) =>
    decide(definition, facts, state, event, { ...read, semantics }, ...rest);
}

/** Skips, and forgets what it has just listed. */
const unlisted = changing("skip.requested", (transition) => ({
  ...transition,
  state: { ...transition.state, uncompensated: [] },
}));

/** Takes a terminated saga for one that has failed, and undoes it. */
const undoes: Decide = (definition, facts, state, event, ...rest) => {
  const failed = state.status === "terminated" ? { ...state, status: "compensating" as const } : state;
  return decide(definition, facts, failed, event, ...rest);
};

/** An edit whose input only the next attempt has: the one after it falls back. */
const forgetsInput = changing("edit.requested", (transition) => ({
  ...transition,
  state: JSON.parse(JSON.stringify(transition.state).replaceAll('{"edited":true}', "{}")),
}));

/** What the explorer must find around the verbs of an operator. */
export const operatorPlanted: readonly Planted[] = [
  planted("a terminated saga leaves the guards as they are", helped, at("terminate.requested", unasked), /^S1[48]/),
  planted("a step that runs is lost to a terminate", helped, at("terminate.requested", runningIsClosed), /^S1[48]/),
  planted("a terminate forgets what is on the stack", helped, forgetful, /^S14/),
  planted("a terminated saga goes on undoing", helped, undoes, /^I1|^S14/),
  planted(
    "a skip takes an unknown step for one that never ran",
    helped,
    at("skip.requested", unknownIsClosed),
    /^S14|^I/,
  ),
  planted("a skipped step's guard is not asked", helped, at("skip.requested", unasked), /^S18|^I/),
  planted("a resolved step's guard is not told", helped, silent, /^I/),
  planted(
    "a person's word is not known in its own transition",
    helpedLast,
    at("resolve.requested", bySemantics(3)),
    /^I[34]/,
  ),
  planted("what is given up while it runs goes on saying parked", helped, bySemantics(3), /^S17/),
  planted("a skipped compensation is not listed", helpedLists, unlisted, /^I[34]/),
  planted("a skipped compensation is not kept", helped, unkept, /^S18/),
  planted("a retry after an edit carries what was replaced", edited, forgetsInput, /^Edit/),
  planted("an edit leaves what was sent before it", { ...edited, faults: { editLeavesOld: true } }, decide, /^Edit/),
  planted("a child does not hear that its parent was terminated", helpedChild, childless, /^S15|^Liveness/),
];
