import fc from "fast-check";

import type { JsonObject } from "../../engine/core/json.ts";
import type { Outcome, Plan } from "../../engine/simulate/plan.ts";

/** A random saga as the source of a file (JSON is YAML), and what happens to it. */
export interface RandomSaga {
  readonly source: string;
  readonly plan: Plan;
}

type StepOf = (name: () => string) => JsonObject;

const RETRY = { attempts: 2, backoff: "1s", jitter: 0, then: "compensate" };

/** Steps are made with their names at the end, so that each name stands once, however the parts are put together. */
function stepAt(depth: number): fc.Arbitrary<StepOf> {
  const leaves: fc.Arbitrary<StepOf>[] = [command(), command(), sleep(), wait(), child()];
  const blocks: fc.Arbitrary<StepOf>[] = depth === 0 ? [] : [parallel(depth - 1), each(depth - 1), choose(depth - 1)];
  return fc.oneof(...leaves, ...blocks);
}

function stepsAt(depth: number): fc.Arbitrary<(name: () => string) => readonly JsonObject[]> {
  return fc
    .array(stepAt(depth), { minLength: 1, maxLength: 3 })
    .map((steps) => (name) => steps.map((step) => step(name)));
}

function command(): fc.Arbitrary<StepOf> {
  const parts = {
    undo: fc.constantFrom("none", "command", "list"),
    caught: fc.constantFrom("none", "rejected", "any"),
    deadline: fc.boolean(),
  };
  return fc.record(parts).map(({ undo, caught, deadline }) => (name) => {
    const step = name();
    return {
      step,
      command: `shop.${step}`,
      with: {},
      retry: RETRY,
      ...(deadline ? { deadline: "1m" } : {}),
      ...(undo === "command"
        ? { compensate: { command: `shop.undo_${step}`, retry: { attempts: 2, backoff: "1s" } } }
        : {}),
      ...(undo === "list" ? { compensate: [{ step: name(), command: "shop.repair", with: {} }] } : {}),
      ...(caught === "none" ? {} : { catch: { [caught]: [{ step: name(), command: "shop.instead", with: {} }] } }),
    };
  });
}

function sleep(): fc.Arbitrary<StepOf> {
  return fc.constantFrom("1s", "2m").map((time) => (name) => ({ step: name(), sleep: time }));
}

function wait(): fc.Arbitrary<StepOf> {
  return fc.boolean().map((caught) => (name) => ({
    step: name(),
    wait: "told",
    deadline: "30s",
    ...(caught ? { catch: { deadline: [] } } : {}),
  }));
}

function child(): fc.Arbitrary<StepOf> {
  return fc.boolean().map((caught) => (name) => ({
    step: name(),
    saga: "other",
    with: {},
    ...(caught ? { catch: { rejected: [] } } : {}),
  }));
}

function parallel(depth: number): fc.Arbitrary<StepOf> {
  return fc
    .record({ join: fc.constantFrom("all", "any"), left: stepsAt(depth), right: stepsAt(depth) })
    .map(({ join, left, right }) => (name) => ({
      step: name(),
      parallel: { left: left(name), right: right(name) },
      join,
    }));
}

function each(depth: number): fc.Arbitrary<StepOf> {
  return fc
    .record({ concurrency: fc.integer({ min: 1, max: 3 }), inside: stepsAt(depth) })
    .map(({ concurrency, inside }) => (name) => ({
      step: name(),
      each: { in: "input.list", as: "item", steps: inside(name), concurrency },
    }));
}

function choose(depth: number): fc.Arbitrary<StepOf> {
  return fc.record({ taken: fc.boolean(), inside: stepsAt(depth) }).map(({ taken, inside }) => (name) => ({
    step: name(),
    choose: [{ when: String(taken), then: inside(name) }, { else: [] }],
  }));
}

const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Outcome>({ end: "succeeded" }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(1_000, 45_000, 90_000).map((afterMs): Outcome => ({ end: "succeeded", afterMs })),
  },
  fc.constant<Outcome>({ end: "rejected", code: "refused" }),
  fc.constant<Outcome>({ end: "failed", code: "exception", retryable: true }),
  fc.constant<Outcome>({ end: "unknown" }),
  fc.constant<Outcome>({ end: "silent" }),
);

/** Sagas without a pivot, so that whatever fails must leave nothing behind. */
export const randomSaga: fc.Arbitrary<RandomSaga> = fc
  .record({
    steps: stepsAt(2),
    fails: fc.boolean(),
    outcomes: fc.array(outcome, { minLength: 30, maxLength: 30 }),
    cancelAtMs: fc.option(fc.constantFrom(0, 500, 10_000, 50_000), { nil: undefined }),
    told: fc.boolean(),
  })
  .map(({ steps, fails, outcomes, cancelAtMs, told }) => {
    let count = 0;
    const made = steps(() => `s${count++}`);
    const definition = {
      saga: "random",
      version: 1,
      input: { list: "list<integer>" },
      steps: fails ? [...made, { fail: "over" }] : made,
    };
    const named = outcomes.slice(0, count).map((each, index) => [`s${index}`, [each]] as const);
    const plan: Plan = {
      input: { list: [1, 2] },
      outcomes: Object.fromEntries(named),
      signals: told ? Array.from({ length: 6 }, () => ({ signal: "told", payload: {} })) : [],
      ...(cancelAtMs === undefined ? {} : { cancelAtMs }),
    };
    return { source: JSON.stringify(definition), plan };
  });
