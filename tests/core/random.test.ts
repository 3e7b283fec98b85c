import { expect, test } from "bun:test";
import fc from "fast-check";
import { decide } from "../../engine/core/decide.ts";
import { isFinal } from "../../engine/core/state.ts";
import { dispatcherMoves } from "./explorer/dispatcher.ts";
import { broken, brokenMove } from "./explorer/invariants.ts";
import { BUDGET, FAILS, model, NO, OK } from "./explorer/model.ts";
import { type Move, participantMoves } from "./explorer/participant.ts";
import { firstWorld, type Model, type Outcome, type World } from "./explorer/world.ts";

const RUNS = 400;

/** A list of steps as lines of YAML, without indentation. `name` makes each name once. */
type Block = (name: () => string) => string[];

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

const catches = fc.constantFrom([], ["catch: { refused: [] }"], ["catch: { any: [] }"], ["deadline: 1m"]);

const command: fc.Arbitrary<Block> = fc
  .record({
    undo: fc.constantFrom("none", "command", "command", "optional", "steps"),
    more: fc.constantFrom([], [], ["retry: { then: compensate }"], ["deadline: 1m"], ["catch: { refused: [] }"]),
  })
  .map(({ undo, more }) => (name) => {
    const step = name();
    const ways: Record<string, string[]> = {
      none: [],
      command: [`compensate: d.undo_${step}`],
      optional: [`compensate: { command: d.undo_${step}, optional: true, retry: none }`],
      steps: [`compensate: [{ step: ${step}_back, command: e.back, with: {} }]`],
    };
    return [`- step: ${step}`, ...indented([`command: d.${step}`, "with: {}", ...(ways[undo] as string[]), ...more])];
  });

const small: fc.Arbitrary<Block> = fc
  .constantFrom(
    "- sleep: 1m",
    "- wait: go",
    "- wait: go",
    "- sleep: 1m",
    "- fail: no",
    "- { if: 'false', fail: no }",
    "- { fail: { code: no, message: '${ input.none.text }' } }",
    "- { choose: [{ when: input.none.is, then: [] }] }",
    "- set: { NAME: 1 }",
  )
  .map((line) => (name) => [line.replace("NAME", line.includes("NAME") ? name() : "")]);

function block(depth: number): fc.Arbitrary<Block> {
  const inner = depth === 0 ? fc.constant<Block>(() => []) : block(depth - 1);
  const parallel = fc
    .record({ branches: fc.array(inner, { minLength: 2, maxLength: 2 }), any: fc.boolean(), more: catches })
    .map(
      ({ branches, any, more }): Block =>
        (name) => [
          `- step: ${name()}`,
          "  parallel:",
          ...branches.flatMap((branch, index) => list(`    b${index}:`, branch(name))),
          ...indented([...(any ? ["join: any"] : []), ...more]),
        ],
    );
  const each = fc.record({ steps: inner, concurrency: fc.integer({ min: 1, max: 2 }), more: catches }).map(
    ({ steps, concurrency, more }): Block =>
      (name) => [
        `- step: ${name()}`,
        "  each:",
        ...["in: '[1, 2]'", "as: item", `concurrency: ${concurrency}`].map((line) => `    ${line}`),
        ...list("    steps:", steps(name)),
        ...indented(more),
      ],
  );
  const one = depth === 0 ? fc.oneof(command, small) : fc.oneof(command, command, parallel, each, small);
  return fc.array(one, { minLength: depth === 2 ? 2 : 1, maxLength: 3, size: "max" }).map(
    (steps): Block =>
      (name) =>
        steps.flatMap((step) => step(name)),
  );
}

function list(key: string, lines: readonly string[]): string[] {
  const pad = " ".repeat(key.length - key.trimStart().length + 2);
  return lines.length === 0 ? [`${key} []`] : [key, ...lines.map((line) => pad + line)];
}

const sources = fc.tuple(block(2), fc.constantFrom([], [], [], ["deadline: 1h"])).map(([steps, life]) => {
  let count = 0;
  const lines = steps(() => {
    count += 1;
    return `s${count}`;
  });
  const head = ["saga: random", "version: 1", ...life, "defaults: { retry: { attempts: 2 } }", "steps:"];
  return [...head, ...indented(lines)].join("\n");
});

/** Every handler may end in every way; a compensation fails now and then. */
const anyOutcome: Readonly<Record<string, readonly Outcome[]>> = new Proxy(
  {},
  { get: () => [OK, OK, OK, OK, OK, OK, NO, FAILS] },
);
const oftenDone: Readonly<Record<string, readonly Outcome[]>> = new Proxy({}, { get: () => [OK, OK, FAILS] });

function modelOf(source: string, cancels: number): Model {
  const budget = { ...BUDGET, duplicates: 3, signals: 3, cancels, retries: 2, verbs: 2, edits: 1 };
  return model(source, { outcomes: anyOutcome, compensations: oftenDone, budget });
}

function movesOf(random: Model, world: World): Move[] {
  return [...participantMoves(random, world), ...dispatcherMoves(random, world)];
}

function step(random: Model, world: World, move: Move): World {
  expect(brokenMove(random, world, move.world) ?? broken(random, move.world) ?? "").toBe("");
  return move.world;
}

/** Timers could fire first at every moment; a saga that is to get anywhere is mostly quicker than they. */
function chosen(moves: readonly Move[], choice: number): Move | undefined {
  const calm = moves.filter(({ healthy, story }) => healthy && !story.startsWith("timer"));
  const among = choice % 5 === 0 || calm.length === 0 ? moves : calm;
  return among[Math.floor(choice / 5) % among.length];
}

const HEALTHY_MAX = 2_000;

/** Without further faults the saga comes to rest. */
function comeToRest(random: Model, from: World): World {
  let world = from;
  for (let count = 0; count < HEALTHY_MAX; count += 1) {
    const moves = movesOf(random, world).filter(({ healthy }) => healthy);
    const move = moves[count % Math.max(1, moves.length)];
    if (move === undefined) return world;
    world = step(random, world, move);
  }
  return world;
}

const routes = fc.array(fc.nat({ max: 10_000 }), { minLength: 30, maxLength: 120 });

/** Any definition keeps the invariants in any run, and comes to rest without faults. */
function law(change: (random: Model) => Model) {
  return fc.property(sources, routes, fc.constantFrom(0, 0, 1), (source, choices, cancels) => {
    const random = change(modelOf(source, cancels));
    let world = firstWorld(random);
    for (const choice of choices) {
      const move = chosen(movesOf(random, world), choice);
      if (move === undefined) break;
      world = step(random, world, move);
    }
    const { saga } = comeToRest(random, world);
    const rests = isFinal(saga.status) || saga.status === "parked" || saga.waitingFor.length > 0;
    expect({ rests, status: saga.status }).toEqual({ rests: true, status: saga.status });
  });
}

test("any definition keeps the invariants in any run, and comes to rest without faults", () => {
  fc.assert(
    law((random) => random),
    { numRuns: RUNS },
  );
}, 60_000);

/** A stack whose two newest entries changed places, once a compensation is asked for. */
const swapped: typeof decide = (definition, facts, state, ...rest) => {
  const stack = [...state.stack];
  const [last, before] = [stack.pop(), stack.pop()];
  if (last === undefined || before === undefined || last.undo !== undefined || before.undo !== undefined)
    return decide(definition, facts, state, ...rest);
  return decide(definition, facts, { ...state, stack: [...stack, last, before] }, ...rest);
};

test("a planted bug is found in random definitions too", () => {
  const found = fc.check(
    law((random) => ({ ...random, decide: swapped })),
    { numRuns: RUNS, endOnFailure: true },
  );
  expect([found.failed, String(found.errorInstance)]).toEqual([true, expect.stringContaining("I4: ")]);
}, 60_000);
