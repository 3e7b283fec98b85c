import { expect, test } from "bun:test";
import fc from "fast-check";
import { decide, newborn } from "../../engine/core/decide.ts";
import type { Transition } from "../../engine/core/decision.ts";
import type { GuardOutcome, SagaEvent } from "../../engine/core/event.ts";
import type { Json, JsonObject } from "../../engine/core/json.ts";
import { isFinal, type SagaState } from "../../engine/core/state.ts";
import { createEvaluator } from "../../engine/definition/expression.ts";
import { randomSaga } from "../simulate/random-sagas.ts";
import { define } from "./explorer/model.ts";
import { SagaRun } from "./saga-run.ts";
import { type StoredRows, rowsAfter, storedIn } from "./stored-rows.ts";

const evaluator = createEvaluator();
const STARTED = "2026-01-01T00:00:00.000Z";

/** What comes next in a run: an answer to one of the messages that are out, a timer, or a cancel. */
const picks = fc.array(
  fc.record({
    of: fc.nat(1_000),
    how: fc.constantFrom("well", "well", "well", "well", "rejected", "failed", "timer", "cancel"),
  }),
  { minLength: 1, maxLength: 60 },
);

test("a saga of any shape decides the same wherever its parts lie", () => {
  let undoing = 0;
  fc.assert(
    fc.property(randomSaga, picks, ({ source, plan }, choices) => {
      const { saga: _saga, version: _version, ...rest } = JSON.parse(source) as JsonObject;
      const yaml = Object.entries(rest).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
      const run = new SagaRun(yaml.join("\n"), plan.input).start();
      // Every decision is made twice by the run itself.
      for (const { of, how } of choices) next(run, of, how);
      if (run.state.failure !== undefined) undoing += 1;
    }),
    { numRuns: 200, includeErrorInReport: true },
  );
  expect(undoing).toBeGreaterThan(25);
}, 30_000);

function next(run: SagaRun, of: number, how: string): void {
  if (how === "cancel" && of % 5 === 0) run.cancel();
  const timers = Object.keys(run.state.timers);
  const timer = timers[of % timers.length];
  if (how === "timer" && timer !== undefined) run.fire(timer);
  const waiting = run.state.waitingFor[0];
  if (waiting !== undefined) run.signal(waiting.signal, {}, `m${of}`);
  const { messages } = run;
  const at = messages.length === 0 ? 0 : of % messages.length;
  const [message] = messages.splice(at, 1);
  if (message === undefined) return;
  const { type, path = "", attempt = 1, to } = message;
  if (type === "step.requested" && how === "rejected") run.reject(path, "refused", attempt);
  else if (type === "step.requested" && how === "failed") run.fail(path, attempt);
  else if (type === "step.requested") run.succeed(path, { of }, attempt);
  else if (type === "compensation.requested") run.compensated(path, attempt);
  else if (type === "child.requested") {
    const parent = (message.body as { parent: { path: string } }).parent;
    const child = { child: to ?? "", output: { of } };
    run.childEnded(parent.path, how === "rejected" ? "failed" : "completed", child);
  } else if (type === "compensate.requested") {
    const path = run.state.stack.find(({ child }) => child?.id === to)?.path ?? "";
    run.apply({ type: "child.compensated", path, uncompensated: false });
  }
}

/** A saga whose parts lie outside its state, with the rows of its steps. */
class Outside {
  readonly definition;
  readonly facts;
  state: SagaState = newborn();
  rows: StoredRows = {};
  sent: Transition["outgoing"] = [];
  readonly outputsMax: number;
  /** The questions about the stack that its last transition asked. */
  readonly asked = new Set<string>();
  /** What every guard says. */
  guard: GuardOutcome = { state: "closed" };

  constructor(yaml: string, input: JsonObject, outputsMax = 0) {
    this.definition = define(`saga: test\nversion: 1\n${yaml}`);
    this.facts = { id: "S", key: null, version: 1, startedAt: STARTED, input };
    this.outputsMax = outputsMax;
    this.apply({ type: "saga.started" });
  }

  apply(event: SagaEvent): Transition {
    const guards = new Proxy({}, { get: () => this.guard });
    this.asked.clear();
    const rows = storedIn(this.rows, this.outputsMax);
    const stack: typeof rows.stack = (query) => {
      this.asked.add(JSON.stringify(query));
      return rows.stack(query);
    };
    const stored = { ...rows, stack };
    const read = { now: STARTED, guards };
    const decision = decide(this.definition, this.facts, this.state, event, read, evaluator, stored);
    if (decision.kind !== "transition") throw new Error(`${JSON.stringify(event)}: ${JSON.stringify(decision)}`);
    this.state = JSON.parse(JSON.stringify(decision.state)) as SagaState;
    this.rows = rowsAfter(this.rows, decision);
    this.sent = decision.outgoing;
    return decision;
  }

  succeed(path: string, output: Json = {}): Transition {
    return this.apply({ type: "step.succeeded", path, attempt: 1, output });
  }

  get bodies(): readonly Json[] {
    return this.sent.map(({ body }) => body);
  }
}

const EACH = `
input:
  ids: list<string>(..10000)
steps:
  - step: ship
    each:
      in: input.ids
      as: id
      concurrency: 3
      max: 10000
      steps:
        - set: { label: "\${ 'no ' + id }" }
        - step: pack
          command: shop.pack
          with: { id: "\${ id }" }
          output: { box: "\${ result.box }" }
          compensate:
            command: shop.unpack
            with: { id: "\${ id }", label: "\${ vars.label }", box: "\${ steps.pack.box }" }
        - step: send
          command: shop.send
          with: { box: "\${ steps.pack.box }" }
  - step: bill
    command: shop.bill
    with: { all: "\${ steps.ship }" }
`;

test("an item that has ended is undone with its own values, which lie outside the state by then", () => {
  const saga = new Outside(EACH, { ids: ["a", "b"] });
  for (const index of [0, 1]) {
    saga.succeed(`ship[${index}]/pack`, { box: `box ${index}`, weight: index });
    saga.succeed(`ship[${index}]/send`, { tracking: index });
  }
  expect(saga.bodies).toEqual([{ input: { all: [{ tracking: 0 }, { tracking: 1 }] } }]);
  expect([saga.state.items, saga.state.lists, saga.state.ahead, saga.state.outputs]).toEqual([
    undefined,
    undefined,
    undefined,
    {},
  ]);
  saga.apply({ type: "step.rejected", path: "bill", attempt: 1, code: "refused", message: "no" });
  const undone = saga.sent.filter(({ type }) => type === "compensation.requested");
  // `send` has no compensation and is listed; `pack` gets what its handler gave, not only what is kept of it.
  expect(undone.map(({ body }) => body)).toEqual(
    [1, 0].map((index) => ({
      input: { id: "ab"[index] as string, label: `no ${"ab"[index]}`, box: `box ${index}` },
      compensates: {
        stepKey: `S/ship[${index}]/pack`,
        input: { id: "ab"[index] as string },
        output: { box: `box ${index}`, weight: index },
      },
    })),
  );
});

test("the state of an `each` over 10,000 ids is as large at item 9,000 as at item 10", () => {
  const ids = Array.from({ length: 10_000 }, (_none, index) => `shop-${String(index).padStart(5, "0")}`);
  const saga = new Outside(EACH, { ids });
  const sizes: number[] = [];
  const changes: number[] = [];
  for (let index = 0; index < 40; index += 1) {
    const decision = [saga.succeed(`ship[${index}]/pack`, { box: "b" }), saga.succeed(`ship[${index}]/send`)];
    sizes.push(JSON.stringify(saga.state).length);
    changes.push(...decision.map(({ steps, stored }) => steps.length + stored.length));
  }
  // Between these two, only the items ahead are fewer or more.
  expect(Math.max(...sizes)).toBeLessThan(Math.min(...sizes) + 1_200);
  expect(Math.max(...sizes)).toBeLessThan(2_500);
  expect(Math.max(...changes)).toBeLessThanOrEqual(6);
});

function chain(steps: number): string {
  const each = Array.from(
    { length: steps },
    (_none, index) => `
  - step: s${index}
    command: d.s${index}
    with: { before: "\${ ${index === 0 ? "input.n" : `steps.s${index - 1}.n`} }" }
    compensate: d.undo_s${index}`,
  );
  return `input:\n  n: integer\nsteps:${each.join("")}\noutput: { first: "\${ steps.s0.n }", last: "\${ steps.s${steps - 1}.n }" }`;
}

test("a saga of 500 steps writes no more at step 500 than at step 5, forward and backward", () => {
  const saga = new Outside(chain(501), { n: 0 }, 8);
  const size = (decision: Transition) =>
    JSON.stringify([decision.state, decision.steps, decision.stored, decision.outgoing]).length;
  const forward: number[] = [];
  for (let index = 0; index < 500; index += 1) forward.push(size(saga.succeed(`s${index}`, { n: index })));
  expect((forward[499] ?? 0) / (forward[4] ?? 1)).toBeLessThan(1.5);
  expect(Math.max(...forward) / (forward[4] ?? 1)).toBeLessThan(1.5);
  const backward = [size(saga.apply({ type: "step.rejected", path: "s500", attempt: 1, code: "no", message: "" }))];
  for (let index = 499; index > 0; index -= 1) {
    backward.push(size(saga.apply({ type: "compensation.succeeded", path: `s${index}`, attempt: 1 })));
    expect(saga.sent).toMatchObject([
      { path: `s${index - 1}`, body: { input: { before: index < 2 ? 0 : index - 2 } } },
    ]);
  }
  expect(Math.max(...backward.slice(1)) / Math.min(...backward.slice(1))).toBeLessThan(1.5);
});

test("an output that has left the state is read by whoever asks, and one that never was is still not there", () => {
  const yaml = `
steps:
  - step: a
    command: d.a
    with: {}
  - step: skipped
    if: "false"
    command: d.skipped
    with: {}
  - step: none
    command: d.none
    with: {}
  - step: b
    command: d.b
    with:
      any: "\${ has(steps.skipped) ? 'there' : 'absent' }"
      a: "\${ steps['a'].id }"
      none: "\${ has(steps.none) }"
      all: "\${ steps }"
`;
  const saga = new Outside(yaml, {});
  saga.succeed("a", { id: 7 });
  saga.succeed("none", null);
  expect(saga.state.outputs).toEqual({});
  expect(saga.bodies).toEqual([{ input: { any: "absent", a: 7, none: true, all: { a: { id: 7 }, none: null } } }]);
});

test("a state that was written with everything in it goes on, and lets go of it with its next transition", () => {
  const plain = EACH.replace(/ {8}- set: .*\n/, "").replace(/ label: [^,]*,/, "");
  const inside = new SagaRun(plain, { ids: ["a", "b", "c", "d"] }).start();
  inside.succeed("ship[0]/pack", { box: "box 0" });
  inside.succeed("ship[0]/send", { tracking: 0 });
  inside.succeed("ship[1]/pack", { box: "box 1" });
  const saga = new Outside(plain, { ids: ["a", "b", "c", "d"] });
  saga.state = JSON.parse(JSON.stringify(inside.state)) as SagaState;
  saga.rows = {
    "ship[0]/pack": { output: { box: "box 0" } },
    "ship[0]/send": { output: { tracking: 0 } },
    "ship[1]/pack": { output: { box: "box 1" } },
  };
  saga.succeed("ship[1]/send", { tracking: 1 });
  expect([saga.state.stack, saga.state.lists, saga.state.stacked]).toEqual([[], undefined, 6]);
  for (const index of [2, 3]) {
    saga.succeed(`ship[${index}]/pack`, { box: `box ${index}` });
    saga.succeed(`ship[${index}]/send`, { tracking: index });
  }
  expect(saga.bodies).toEqual([{ input: { all: [0, 1, 2, 3].map((tracking) => ({ tracking })) } }]);
  saga.apply({ type: "step.rejected", path: "bill", attempt: 1, code: "refused", message: "no" });
  const undone = saga.sent.filter(({ type }) => type === "compensation.requested");
  expect(undone.map(({ path }) => path)).toEqual(["ship[3]/pack", "ship[2]/pack", "ship[1]/pack"]);
});

test("ten thousand entries without a compensation are listed in one transition", () => {
  const yaml = `
input:
  ids: list<string>(..10000)
steps:
  - each:
      in: input.ids
      as: id
      concurrency: 10000
      max: 10000
      steps:
        - notify: mail.send
          with: { id: "\${ id }" }
  - fail: over
`;
  const ids = Array.from({ length: 2_000 }, (_none, index) => String(index));
  const waiting = yaml.replace("  - fail: over", "  - step: last\n    command: d.last\n    with: {}");
  const saga = new Outside(waiting, { ids });
  expect([saga.state.stack.length, saga.state.stacked]).toEqual([0, 2_001]);
  saga.apply({ type: "step.rejected", path: "last", attempt: 1, code: "refused", message: "no" });
  expect([isFinal(saga.state.status), saga.state.uncompensated.length, saga.state.stacked]).toEqual([true, 2_000, 0]);
});

test("a long stack is fetched by the hundred once a transition has taken more than a few entries off", () => {
  const told = Array.from({ length: 300 }, () => "  - { notify: mail.send, with: {} }").join("\n");
  const saga = new Outside(`steps:\n${told}\n  - { step: last, command: d.last, with: {} }`, {});
  saga.apply({ type: "step.rejected", path: "last", attempt: 1, code: "refused", message: "no" });
  expect([isFinal(saga.state.status), saga.state.uncompensated.length, saga.state.stacked]).toEqual([true, 300, 0]);
  expect(saga.asked.size).toBeLessThan(20);
});

test("of large items fewer stay in the state, and each is still run over in its turn", () => {
  const ids = Array.from({ length: 12 }, (_none, index) => `${index}${"x".repeat(400)}`);
  const saga = new Outside(EACH.replace("concurrency: 3", "concurrency: 1"), { ids });
  for (const [index, id] of ids.entries()) {
    expect(saga.bodies).toEqual([{ input: { id } }]);
    expect(JSON.stringify(saga.state.ahead ?? {}).length).toBeLessThan(1_200);
    saga.succeed(`ship[${index}]/pack`, { box: "b" });
    saga.succeed(`ship[${index}]/send`);
  }
  expect(saga.sent.map(({ path }) => path)).toEqual(["bill"]);
});

test("a variable of an item that ended before its values were kept is not there", () => {
  const asks = EACH.replace("${ vars.label }", "${ has(vars.label) ? vars.label : 'none' }");
  const saga = new Outside(asks, { ids: ["a"] });
  saga.succeed("ship[0]/pack", { box: "b" });
  saga.succeed("ship[0]/send");
  const [kept] = Object.entries(saga.rows).filter(([, { result }]) => Object.hasOwn(Object(result), "label"));
  expect(kept?.[1]).toEqual({ result: { label: "no a" } });
  saga.rows = { ...saga.rows, [kept?.[0] ?? ""]: {} };
  saga.apply({ type: "step.rejected", path: "bill", attempt: 1, code: "refused", message: "no" });
  expect(saga.bodies).toMatchObject([{}, { input: { id: "a", label: "none", box: "b" } }]);
});

test("what the steps of a compensation leave to one another stays at hand until the last of them", () => {
  const yaml = `
input: { ids: list<string> }
steps:
  - step: all
    each:
      in: input.ids
      as: id
      steps:
        - step: pack
          command: d.pack
          with: {}
          compensate:
            - { step: ask, command: d.ask, with: { id: "\${ id }" } }
            - { step: wipe, command: d.wipe, with: {} }
            - { step: unpack, command: d.unpack, with: { id: "\${ id }", of: "\${ steps.ask.n }" } }
  - { step: paid, wait: paid, deadline: 1h }
`;
  const saga = new Outside(yaml, { ids: ["a"] }, 8);
  saga.succeed("all[0]/pack");
  expect(saga.state.items).toBeUndefined();
  saga.guard = { state: "done", output: {} };
  const [timer, dueAt] = Object.entries(saga.state.timers)[0] ?? ["", ""];
  saga.apply({ type: "timer.fired", timer, dueAt });
  saga.succeed("all[0]/pack/compensate/ask", { n: 7 });
  saga.succeed("all[0]/pack/compensate/wipe");
  expect(saga.bodies).toEqual([{ input: { id: "a", of: 7 } }]);
  expect(saga.state.items?.["all[0]"]?.outputs).toMatchObject({ ask: { n: 7 } });
  saga.succeed("all[0]/pack/compensate/unpack");
  expect([saga.state.status, saga.state.items]).toEqual(["failed", undefined]);
});
