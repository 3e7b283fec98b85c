import { newborn } from "../../../engine/core/decide.ts";
import type { Outgoing, Transition } from "../../../engine/core/decision.ts";
import type { Definition } from "../../../engine/core/definition.ts";
import type { GuardOutcome, SagaEvent } from "../../../engine/core/event.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../engine/core/json.ts";
import type { Parent, SagaState } from "../../../engine/core/state.ts";
import { createEvaluator } from "../../../engine/definition/expression.ts";
import { mayRun, type Move } from "./participant.ts";
import { childFacts, type Command, FACTS, type Guard, KID, type Model, type Side, type World } from "./world.ts";

/** One time for all: timers fire whenever the explorer lets them. */
const NOW = FACTS.startedAt;
const evaluator = createEvaluator();
/** What a person writes into a message. */
const EDITED = { edited: true };

/** What the dispatcher, the timers and people may do now. */
export function dispatcherMoves(model: Model, world: World): Move[] {
  return [
    ...movesOf(model, world, "parent"),
    ...movesOf(model, world, "child"),
    ...requests(model, world),
    ...edits(model, world),
  ];
}

function movesOf(model: Model, world: World, side: Side): Move[] {
  const { saga, events } = side === "parent" ? world : world.child;
  if (saga === null) return [];
  const [event, ...rest] = events;
  const heard = side === "parent" ? { ...world, events: rest } : { ...world, child: { ...world.child, events: rest } };
  const moves = event === undefined ? [] : transitions(model, heard, side, event, nameOf(side, event), true);
  for (const [timer, dueAt] of Object.entries(saga.timers)) {
    const fired = { type: "timer.fired", timer, dueAt } as const;
    moves.push(...transitions(model, world, side, fired, `timer ${timer} of the ${side} fires`, true));
  }
  return moves;
}

/** Requests are applied in the transaction that records them, so they may overtake what is on the timeline. */
function requests(model: Model, world: World): Move[] {
  const { left, saga, child } = world;
  const moves: Move[] = [];
  const ask = (budget: keyof World["left"], side: Side, event: SagaEvent, story: string) => {
    if (left[budget] === 0) return;
    const spent = { ...world, left: { ...left, [budget]: left[budget] - 1 } };
    moves.push(...transitions(model, spent, side, event, story, false));
  };
  if (!isStill(saga, world.events)) {
    ask("cancels", "parent", { type: "cancel.requested", reason: "asked" }, "a person cancels");
    ask(
      "signals",
      "parent",
      { type: "signal.received", messageId: "m", signal: "go", payload: {} },
      "the signal comes",
    );
  }
  if (saga.status === "parked") ask("retries", "parent", { type: "retry.requested" }, "an operator retries");
  for (const event of operatorVerbs(world, "parent")) ask("verbs", "parent", event, inWords(event));
  if (child.saga === null) return moves;
  for (const event of operatorVerbs(world, "child")) ask("verbs", "child", event, `${inWords(event)} of the child`);
  if (!isStill(child.saga, child.events)) {
    ask("cancels", "child", { type: "cancel.requested", reason: "asked" }, "a person cancels the child");
  }
  if (child.saga.parked !== undefined)
    ask("retries", "child", { type: "retry.requested" }, "an operator retries the child");
  return moves;
}

/** A person edits a command or a compensation that has not run; all attempts of it that were sent before are closed. */
function edits(model: Model, world: World): Move[] {
  const { left, saga } = world;
  if (left.edits === 0 || isStill(saga, world.events)) return [];
  return Object.keys(world.sent).flatMap((sent) => {
    const [kind, path] = sent.split(" ") as [Command["kind"], string];
    const own = world.commands.filter((command) => command.path === path && command.kind === kind);
    if (path.startsWith(KID) || !isUnclaimed(world, kind, path, own)) return [];
    const commands = model.faults.editLeavesOld ? world.commands : world.commands.filter((one) => !own.includes(one));
    const edited = [...new Set([...world.edited, sent])].toSorted();
    const spent = { ...world, commands, edited, left: { ...left, edits: left.edits - 1 } };
    const event = {
      type: "edit.requested",
      path,
      compensation: kind === "compensation",
      input: EDITED,
      supersedes: "m",
    };
    const moves = transitions(model, spent, "parent", event as SagaEvent, `a person edits the ${sent}`, false);
    // Refused: then nothing is closed either.
    return moves.filter((move) => move.world !== spent);
  });
}

function isUnclaimed(world: World, kind: Command["kind"], path: string, own: readonly Command[]): boolean {
  if (own.some(({ consumed }) => consumed === "open")) return false;
  const state = world.guards[path]?.state;
  return kind === "step" ? state === undefined : ["done", "unknown", "compensating"].includes(state ?? "");
}

type OperatorVerb = Extract<SagaEvent, { type: "skip.requested" | "resolve.requested" | "terminate.requested" }>;

/** What an operator may do but retry: at each place that says parked, and to the saga itself. */
function operatorVerbs({ saga, statuses, events, child }: World, side: Side): OperatorVerb[] {
  const own = side === "parent" ? saga : (child.saga as SagaState);
  const places = Object.entries(statuses).filter(
    ([path, status]) => status === "parked" && path.startsWith(KID) === (side === "child"),
  );
  const steps =
    own.parked === undefined ? [] : places.map(([path]) => (side === "child" ? path.slice(KID.length) : path));
  const open = !isStill(own, side === "parent" ? events : child.events);
  return [
    ...steps.flatMap((step): OperatorVerb[] => [
      { type: "skip.requested", step, reason: "asked" },
      { type: "resolve.requested", step, result: {} },
    ]),
    ...(open || own.parked !== undefined ? [{ type: "terminate.requested", reason: "asked" } as const] : []),
  ];
}

function inWords(event: OperatorVerb): string {
  return `an operator asks: ${event.type}${"step" in event ? ` ${event.step}` : ""}`;
}

/** Not asked for yet, or over: the API refuses requests. */
function isStill(saga: SagaState, events: readonly SagaEvent[]): boolean {
  return events[0]?.type === "saga.started" || ["completed", "failed", "cancelled", "terminated"].includes(saga.status);
}

interface Settled {
  readonly world: World;
  readonly outcome: GuardOutcome;
  readonly healthy: boolean;
}

function transitions(
  model: Model,
  world: World,
  side: Side,
  event: SagaEvent,
  story: string,
  healthy: boolean,
): Move[] {
  const found: Move[] = [];
  const prefix = side === "parent" ? "" : KID;
  const definition = side === "parent" ? model.definition : (model.child as Definition);
  const again = (at: World, guards: Readonly<Record<string, GuardOutcome>>, told: string, sound: boolean): void => {
    const saga = side === "parent" ? at.saga : (at.child.saga as SagaState);
    const facts = side === "parent" ? FACTS : childFacts(at.child.path);
    const decision = model.decide(definition, facts, saga, event, { now: NOW, guards }, evaluator);
    if (decision.kind === "no-op") found.push({ story: `${told} (${decision.reason})`, world: at, healthy: sound });
    else if (decision.kind === "transition")
      found.push({ story: told, world: carriedOut(at, side, decision), healthy: sound });
    else {
      const keep = decision.keepStarted === true && !model.faults.settlePivots;
      for (const settled of settle(at, prefix + decision.path, keep)) {
        const outcome = settled.outcome.state;
        again(
          settled.world,
          { ...guards, [decision.path]: settled.outcome },
          `${told}; the guard of ${prefix}${decision.path} says ${outcome}`,
          sound && settled.healthy,
        );
      }
    }
  };
  again(world, {}, story, healthy);
  return found;
}

/** All answers that the question for a guard may get: whoever holds the step's lock makes it `running`. */
function settle(world: World, path: string, keepStarted: boolean): Settled[] {
  const guard = world.guards[path];
  const running: Settled = { world, outcome: { state: "running" }, healthy: false };
  const write = (state: "closed" | "unknown"): Settled => {
    const guards = keepStarted && state === "unknown" ? world.guards : { ...world.guards, [path]: { state } };
    return { world: { ...world, guards }, outcome: { state }, healthy: true };
  };
  if (guard?.state === "started") {
    const calling = world.commands.some((command) => command.path === path && command.calling);
    return [
      { ...running, healthy: calling },
      { ...write("unknown"), healthy: !calling },
    ];
  }
  const settled = guard === undefined ? write("closed") : { world, outcome: outcomeOf(guard), healthy: true };
  return mayRun(world, path) ? [running, settled] : [settled];
}

function outcomeOf(guard: Guard): GuardOutcome {
  switch (guard.state) {
    case "started":
      return { state: "unknown" };
    case "done":
      return { state: "done", output: {} };
    case "rejected":
      return { state: "rejected", code: guard.code ?? "", message: "" };
    default:
      return { state: guard.state };
  }
}

function carriedOut(world: World, side: Side, transition: Transition): World {
  const prefix = side === "parent" ? "" : KID;
  const guards: Record<string, Guard> = { ...world.guards };
  for (const path of transition.reopen) if (guards[prefix + path]?.state === "rejected") delete guards[prefix + path];
  for (const path of transition.keep) {
    if (["done", "unknown", "compensating"].includes(guards[prefix + path]?.state ?? "")) {
      guards[prefix + path] = { state: "kept" };
    }
  }
  let { did, undone } = world;
  for (const { path, state } of transition.resolved ?? []) {
    guards[prefix + path] = { state };
    // Whoever says so has done it by hand, unless it had been done unseen.
    if (state === "done" && !did.includes(prefix + path)) did = [...did, prefix + path];
    if (state === "compensated" && did.includes(prefix + path)) undone = [...undone, prefix + path];
  }
  const statuses = { ...world.statuses };
  for (const step of transition.steps) statuses[prefix + step.path] = step.status;
  const sent = { ...world.sent };
  const commands = transition.outgoing.flatMap((message) => commandOf(message, prefix));
  for (const { kind, path } of commands) sent[`${kind} ${path}`] = (sent[`${kind} ${path}`] ?? 0) + 1;
  const next = { ...world, did, undone, guards, statuses, sent, commands: [...world.commands, ...commands] };
  const moved =
    side === "parent"
      ? { ...next, saga: transition.state }
      : { ...next, child: { ...next.child, saga: transition.state } };
  return transition.outgoing.reduce(delivered, moved);
}

/** A message to the other saga: a row with its id as key, which its own dispatcher consumes in order. */
function delivered(world: World, { to, type, body }: Outgoing): World {
  if (to === undefined) return world;
  const { child } = world;
  if (type === "child.requested") {
    const first = child.saga === null;
    const { path } = (body as unknown as { readonly parent: Parent }).parent;
    return first ? { ...world, child: { saga: newborn(), events: [{ type: "saga.started" }], path } } : world;
  }
  // The model has one child, and knows it by a name of its own.
  const own = type === "child.ended" ? { child: childOf(world.saga) } : {};
  const event = { type, ...(body as JsonObject), ...own } as unknown as SagaEvent;
  if (to === FACTS.id) return { ...world, events: [...world.events, event] };
  return { ...world, child: { ...child, events: [...child.events, event] } };
}

/** The id that the parent has given to its newest child. */
function childOf(saga: SagaState): string {
  return saga.stack.find(({ child }) => child !== undefined)?.child?.id ?? "";
}

function commandOf(message: Outgoing, prefix: string): Command[] {
  // A notification is awaited by nobody and undone by nobody: it cannot disturb what is checked here.
  if (message.topic === "timeline" || message.headers?.["notify"] === true) return [];
  const kind = message.type === "step.requested" ? "step" : "compensation";
  const own = { path: prefix + (message.path ?? ""), kind, attempt: message.attempt ?? 0, consumed: "new" } as const;
  const input = (message.body as { readonly input?: Json }).input ?? null;
  return [isJsonObject(input) && input["edited"] === true ? { ...own, edited: true } : own];
}

function nameOf(side: Side, event: SagaEvent): string {
  return `the ${side} hears ${event.type}${"attempt" in event ? ` of ${event.path} #${event.attempt}` : ""}`;
}
