import { expect, test } from "bun:test";
import fc from "fast-check";
import { decide } from "../../engine/core/decide.ts";
import type { Definition } from "../../engine/core/definition.ts";
import type { GuardOutcome, Read, SagaEvent } from "../../engine/core/event.ts";
import { Draft } from "../../engine/core/draft.ts";
import { placesOf } from "../../engine/core/frame.ts";
import type { SagaFacts, SagaState } from "../../engine/core/state.ts";
import { createEvaluator } from "../../engine/definition/expression.ts";
import { dispatcherMoves } from "./explorer/dispatcher.ts";
import { broken, brokenMove } from "./explorer/invariants.ts";
import { models } from "./explorer/models.ts";
import { participantMoves } from "./explorer/participant.ts";
import { FACTS, firstWorld, type Model } from "./explorer/world.ts";
import { decideTwice } from "./twin.ts";

const evaluator = createEvaluator();
const RUNS = 400;

/** One call of `decide` as it happened in a run. */
interface Call {
  readonly facts: SagaFacts;
  readonly definition: Definition;
  readonly before: SagaState;
  readonly event: SagaEvent;
  readonly read: Read;
  readonly answer: ReturnType<typeof decide>;
}

interface Walk {
  readonly model: Model;
  readonly calls: readonly Call[];
  /** The calls that the run took; others were only looked at. */
  readonly taken: readonly Call[];
}

interface Route {
  readonly name: string;
  /** Which of the possible moves is taken at each point. */
  readonly choices: readonly number[];
}

/** A random run through a model. */
const routes: fc.Arbitrary<Route> = fc.record({
  name: fc.constantFrom(...Object.keys(models)),
  choices: fc.array(fc.nat({ max: 1_000 }), { minLength: 1, maxLength: 40 }),
});

function walk({ name, choices }: Route, decides = decide): Walk {
  const base = models[name] as Model;
  const calls: Call[] = [];
  const model: Model = {
    ...base,
    decide: (definition, facts, before, event, read, own) => {
      const answer = decides(definition, facts, before, event, read, own);
      calls.push({ facts, definition, before, event, read, answer });
      return answer;
    },
  };
  const states = new Set<SagaState>();
  let world = firstWorld(model);
  for (const choice of choices) {
    const moves = [...participantMoves(model, world), ...dispatcherMoves(model, world)];
    const move = moves[choice % moves.length];
    if (move === undefined) break;
    expect(brokenMove(model, world, move.world) ?? broken(model, move.world) ?? "").toBe("");
    world = move.world;
    states.add(world.saga);
    if (world.child.saga !== null) states.add(world.child.saga);
  }
  return {
    model,
    calls,
    taken: calls.filter(({ answer }) => answer.kind === "transition" && states.has(answer.state)),
  };
}

function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(frozen);
  }
  return value;
}

test("the same call decides the same, and changes none of its arguments", () => {
  fc.assert(
    fc.property(routes, (route) => {
      const { calls } = walk(route);
      for (const { definition, facts, before, event, read, answer } of calls) {
        const again = decide(
          definition,
          facts,
          frozen(structuredClone(before)),
          frozen(event),
          frozen(read),
          evaluator,
        );
        expect(again).toEqual(answer);
      }
    }),
    { numRuns: RUNS },
  );
});

test("a saga decides the same wherever its parts lie", () => {
  let calls = 0;
  // Each decision is made twice, and the two are compared.
  const twice = fc.property(routes, (route) => {
    calls += walk(route, decideTwice).calls.length;
  });
  fc.assert(twice, { numRuns: RUNS / 4 });
  expect(calls).toBeGreaterThan(500);
});

test("a state that went through JSON is the same state, and decides the same", () => {
  fc.assert(
    fc.property(routes, (route) => {
      const { calls } = walk(route);
      for (const { definition, facts, before, event, read, answer } of calls) {
        const stored = JSON.parse(JSON.stringify(before)) as SagaState;
        expect(stored).toStrictEqual(before);
        expect(decide(definition, facts, stored, event, read, evaluator)).toStrictEqual(answer);
      }
    }),
    { numRuns: RUNS },
  );
});

/** The same with its keys the other way round, but for items of an `each`, which `jsonb` keeps in their order. */
function turned<T>(value: T): T {
  if (Array.isArray(value)) return value.map(turned) as T;
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, entry]) => [key, turned(entry)] as const);
  return Object.fromEntries(entries.some(([key]) => key.startsWith("[")) ? entries : entries.reverse()) as T;
}

test("the order of the keys in a state decides nothing", () => {
  fc.assert(
    fc.property(routes, (route) => {
      const { calls } = walk(route);
      for (const { definition, facts, before, event, read, answer } of calls)
        expect(decide(definition, facts, turned(before), event, read, evaluator)).toEqual(answer);
    }),
    { numRuns: RUNS },
  );
});

/** The steps in progress of a state. */
function inProgress(definition: Definition, state: SagaState) {
  return placesOf(new Draft(definition, FACTS, state, { now: FACTS.startedAt, guards: {} }, evaluator));
}

/** An answer or a timer is history once it was heard. A person's request is not: only its id tells it apart. */
function isHistory({ type }: SagaEvent): boolean {
  return type !== "saga.started" && !/^(cancel|edit|retry|signal)\./.test(type);
}

test("hearing any of the earlier answers and timers once more moves nothing", () => {
  fc.assert(
    fc.property(routes, (route) => {
      const { taken } = walk(route);
      const last = taken.at(-1);
      if (last?.answer.kind !== "transition") return;
      const { state } = last.answer;
      const { definition, facts } = last;
      const own = taken.filter((call) => call.facts.id === facts.id);
      for (const { event } of own.filter((call) => isHistory(call.event) && !isOpen(definition, state, call.event))) {
        const again = decide(definition, facts, state, event, { now: FACTS.startedAt, guards: {} }, evaluator);
        expect({ kind: again.kind, event }).toEqual({ kind: "no-op", event });
      }
    }),
    { numRuns: RUNS },
  );
});

/**
 * What a repetition still means something to: a timer that was set again (all times are alike here), a step that was
 * rejected and waits for its next attempt, and one that is being closed, whose guard any answer makes it ask again.
 * The dispatcher skips these repetitions by their id.
 */
function isOpen(definition: Definition, state: SagaState, event: SagaEvent): boolean {
  if (event.type === "timer.fired") return state.timers[event.timer] !== undefined;
  if (!("path" in event)) return false;
  const at = inProgress(definition, state).find(({ path }) => path === event.path);
  if (at?.state.kind !== "command") return false;
  return event.type === "step.rejected" || at.state.phase === "closing";
}

test("the timers in a state belong to what is in progress", () => {
  fc.assert(
    fc.property(routes, (route) => {
      const { calls } = walk(route);
      for (const { answer, definition } of calls) {
        if (answer.kind !== "transition") continue;
        const inside = inProgress(definition, answer.state).map(({ path }) => path);
        const undoing = answer.state.stack.flatMap(({ path, undo }) => (undo === undefined ? [] : [path]));
        for (const timer of Object.keys(answer.state.timers)) {
          const path = timer.slice(timer.indexOf(":") + 1);
          expect([...inside, ...undoing, ""]).toContain(path);
        }
      }
    }),
    { numRuns: RUNS },
  );
});

test("a timer of a phase is set exactly while the phase lasts", () => {
  fc.assert(
    fc.property(routes, (route) => {
      const { calls } = walk(route);
      for (const { answer, definition } of calls) {
        if (answer.kind !== "transition") continue;
        const { state } = answer;
        const forward = inProgress(definition, state).flatMap(({ path, state: step }) =>
          step.kind === "command" ? [{ path, phase: step.phase }] : [],
        );
        const backward = state.stack.flatMap(({ path, undo }) =>
          undo?.kind === "command" ? [{ path, phase: undo.phase }] : [],
        );
        for (const { path, phase } of [...forward, ...backward]) {
          const set = (kind: string) => state.timers[`${kind}:${path}`] !== undefined;
          expect({ retry: set("retry"), guard: set("guard"), parked: phase === "parked" && set("deadline") }).toEqual({
            retry: phase === "backoff",
            guard: phase === "closing",
            parked: false,
          });
        }
      }
    }),
    { numRuns: RUNS },
  );
});

test("whatever event comes with whatever guard, decide answers and never throws", () => {
  const events: fc.Arbitrary<SagaEvent> = fc.oneof(
    fc.record({ type: fc.constant("step.succeeded" as const), path, attempt, output: fc.constant({}) }),
    fc.record({
      type: fc.constant("step.rejected" as const),
      path,
      attempt,
      code: fc.constant("refused"),
      message: fc.constant(""),
    }),
    fc.record({
      type: fc.constantFrom("compensation.succeeded" as const, "compensation.skipped" as const),
      path,
      attempt,
    }),
    fc.record({
      type: fc.constant("compensation.failed" as const),
      path,
      attempt,
      code: fc.constant("x"),
      message: fc.constant(""),
      retryable: fc.boolean(),
    }),
    fc.record({
      type: fc.constant("step.failed" as const),
      path,
      attempt,
      code: fc.constant("x"),
      message: fc.constant(""),
      retryable: fc.boolean(),
      unknown: fc.boolean(),
    }),
    fc.constant({ type: "cancel.requested", reason: "" } as const),
    fc.constant({ type: "retry.requested" } as const),
    fc.record({
      type: fc.constant("child.ended" as const),
      path,
      child: fc.constant("nobody"),
      status: fc.constantFrom("completed" as const, "failed" as const, "cancelled" as const, "terminated" as const),
      code: fc.constant("x"),
      message: fc.constant(""),
      output: fc.constant({}),
      pivotPassed: fc.boolean(),
      uncompensated: fc.boolean(),
    }),
    fc.record({ type: fc.constant("child.compensated" as const), path, uncompensated: fc.boolean() }),
    fc.constantFrom({ type: "compensate.requested" } as const, { type: "child.released" } as const),
  );
  fc.assert(
    fc.property(routes, events, fc.constantFrom(...GUARDS), (route, event, guard) => {
      const { calls } = walk(route);
      for (const { before, definition, facts } of calls.slice(-5)) {
        const guards = new Proxy({}, { get: () => guard });
        const answer = decide(definition, facts, before, event, { now: FACTS.startedAt, guards }, evaluator);
        expect(answer.kind).not.toBe("needs");
      }
    }),
    { numRuns: RUNS },
  );
});

const path = fc.constantFrom(
  "a",
  "b",
  "c",
  "p",
  "x",
  "z",
  "nowhere",
  "a/catch/refused/other",
  "parallel1/left/l1",
  "ship[0]/pack",
  "kid",
  "offers/one/x",
  "a/compensate/refund",
  "kid/compensate/undo",
);
const attempt = fc.integer({ min: 1, max: 4 });
const GUARDS: readonly GuardOutcome[] = [
  { state: "running" },
  { state: "closed" },
  { state: "done", output: {} },
  { state: "rejected", code: "refused", message: "" },
  { state: "unknown" },
  { state: "blocked" },
  { state: "compensated" },
  { state: "kept" },
];
