import type { Outgoing, Transition } from "../../../engine/core/decision.ts";
import type { GuardOutcome, SagaEvent } from "../../../engine/core/event.ts";
import { createEvaluator } from "../../../engine/definition/expression.ts";
import { mayRun, type Move } from "./participant.ts";
import { type Command, FACTS, type Guard, type Model, type World } from "./world.ts";

/** One time for all: timers fire whenever the explorer lets them. */
const NOW = FACTS.startedAt;
const evaluator = createEvaluator();

/** What the dispatcher, the timers and people may do now. */
export function dispatcherMoves(model: Model, world: World): Move[] {
  const [event, ...events] = world.events;
  const moves = event === undefined ? [] : transitions(model, { ...world, events }, event, nameOf(event), true);
  for (const [timer, dueAt] of Object.entries(world.saga.timers)) {
    moves.push(...transitions(model, world, { type: "timer.fired", timer, dueAt }, `timer ${timer} fires`, true));
  }
  return [...moves, ...requests(model, world)];
}

/** Requests are applied in the transaction that records them, so they may overtake what is on the timeline. */
function requests(model: Model, world: World): Move[] {
  const { left, saga } = world;
  if (isStill(world)) return [];
  const moves: Move[] = [];
  const ask = (budget: keyof World["left"], event: SagaEvent, story: string) => {
    if (left[budget] === 0) return;
    const spent = { ...world, left: { ...left, [budget]: left[budget] - 1 } };
    moves.push(...transitions(model, spent, event, story, false));
  };
  ask("cancels", { type: "cancel.requested", reason: "asked" }, "a person cancels");
  ask("signals", { type: "signal.received", messageId: "m", signal: "go", payload: {} }, "the signal comes");
  if (saga.status === "parked") ask("retries", { type: "retry.requested" }, "an operator retries");
  return moves;
}

/** Not asked for yet, or over: the API refuses requests. */
function isStill({ saga, events }: World): boolean {
  return events[0]?.type === "saga.started" || ["completed", "failed", "cancelled", "terminated"].includes(saga.status);
}

interface Settled {
  readonly world: World;
  readonly outcome: GuardOutcome;
  readonly healthy: boolean;
}

function transitions(model: Model, world: World, event: SagaEvent, story: string, healthy: boolean): Move[] {
  const found: Move[] = [];
  const again = (at: World, guards: Readonly<Record<string, GuardOutcome>>, told: string, sound: boolean): void => {
    const decision = model.decide(model.definition, FACTS, at.saga, event, { now: NOW, guards }, evaluator);
    if (decision.kind === "no-op") found.push({ story: `${told} (${decision.reason})`, world: at, healthy: sound });
    else if (decision.kind === "transition")
      found.push({ story: told, world: carriedOut(at, decision), healthy: sound });
    else {
      const keep = decision.keepStarted === true && !model.faults.settlePivots;
      for (const settled of settle(at, decision.path, keep)) {
        const outcome = settled.outcome.state;
        again(
          settled.world,
          { ...guards, [decision.path]: settled.outcome },
          `${told}; the guard says ${outcome}`,
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

function carriedOut(world: World, transition: Transition): World {
  const guards: Record<string, Guard> = { ...world.guards };
  for (const path of transition.reopen) if (guards[path]?.state === "rejected") delete guards[path];
  for (const path of transition.keep) {
    if (["done", "unknown", "compensating"].includes(guards[path]?.state ?? "")) guards[path] = { state: "kept" };
  }
  const statuses = { ...world.statuses };
  for (const step of transition.steps) statuses[step.path] = step.status;
  const sent = { ...world.sent };
  const commands = transition.outgoing.flatMap(commandOf);
  for (const { kind, path } of commands) sent[`${kind} ${path}`] = (sent[`${kind} ${path}`] ?? 0) + 1;
  return { ...world, saga: transition.state, guards, statuses, sent, commands: [...world.commands, ...commands] };
}

function commandOf(message: Outgoing): Command[] {
  // A notification is awaited by nobody and undone by nobody: it cannot disturb what is checked here.
  if (message.topic === "timeline" || message.headers?.["notify"] === true) return [];
  const kind = message.type === "step.requested" ? "step" : "compensation";
  return [{ path: message.path ?? "", kind, attempt: message.attempt ?? 0, consumed: "new" }];
}

function nameOf(event: SagaEvent): string {
  return `the saga hears ${event.type}${"attempt" in event ? ` of ${event.path} #${event.attempt}` : ""}`;
}
