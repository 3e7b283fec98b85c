import { expect, test } from "bun:test";
import { SagaRun } from "./saga-run.ts";

const relay = `
steps:
  - step: apply
    command: application.register
    with: { name: "\${ input.name }" }
    timeout: 5s
    compensate: application.cancel
  - step: screen
    command: screening.examine
    with: { id: "\${ steps.apply.id }" }
    output: { result: "\${ result.result }" }
output: { result: "\${ steps.screen.result }" }
`;

test("a command is sent on its own topic with its input, attempt and timeout", () => {
  const run = new SagaRun(relay, { name: "Sato" }).start();
  expect(run.messages).toEqual([
    {
      topic: "application.register",
      type: "step.requested",
      path: "apply",
      action: "register",
      attempt: 1,
      headers: { timeoutMs: 5_000 },
      body: { input: { name: "Sato" } },
    },
  ]);
});

test("an output is what the next step reads, and the last answer completes the saga", () => {
  const run = new SagaRun(relay, { name: "Sato" }).start();
  run.succeed("apply", { id: 7 });
  expect(run.messages.at(-1)?.body).toEqual({ input: { id: 7 } });
  run.succeed("screen", { result: "approved", score: 3 });
  expect(run.state).toEqual({
    status: "completed",
    root: { at: 2 },
    outputs: { apply: { id: 7 }, screen: { result: "approved" } },
    stack: [],
    pivotPassed: false,
    mailbox: [],
    timers: {},
    uncompensated: [],
    waitingFor: [],
    output: { result: "approved" },
  });
  expect(run.messages.at(-1)).toEqual({
    topic: "timeline",
    type: "saga.completed",
    body: { output: { result: "approved" } },
  });
});

test("a step whose condition is false is skipped", () => {
  const run = new SagaRun("steps: [{ step: a, if: input.wanted, command: d.a, with: {} }]", { wanted: false }).start();
  expect([run.sent(), run.steps]).toEqual([["saga.completed"], { a: "skipped" }]);
});

test("a notification is sent with its retry policy and not waited for", () => {
  const run = new SagaRun(
    "steps: [{ step: n, notify: d.n, with: {}, retry: { attempts: 2, backoff: 1s, factor: 3, max: 9s, jitter: 0.2, also: [y], never: [x] } }]",
  ).start();
  expect(run.sent()).toEqual(["n #1", "saga.completed"]);
  expect(run.messages[0]?.headers).toEqual({
    timeoutMs: 30_000,
    notify: true,
    retry: { attempts: 2, backoffMs: 1_000, factor: 3, maxMs: 9_000, jitter: 0.2, also: ["y"], never: ["x"] },
  });
});

const cases = `
steps:
  - choose: input.result
    cases:
      good: [{ step: a, command: d.a, with: {} }]
      bad: [{ fail: { code: too_bad, message: "it is \${ input.result }" } }]
      "3": []
`;

test("a case is taken by its value, and its steps have their path below it", () => {
  expect(new SagaRun(cases, { result: "good" }).start().sent()).toEqual(["choose0/good/a #1"]);
});

test("a number takes the case that is written as text", () => {
  expect(new SagaRun(cases, { result: 3 }).start().sent()).toEqual(["saga.completed"]);
});

test("a fail ends the saga with its code and message", () => {
  const run = new SagaRun(cases, { result: "bad" }).start();
  const failure = { code: "too_bad", message: "it is bad", step: "choose0/bad/fail0", kind: "fail" } as const;
  expect([run.state.status, run.state.failure, run.sent()]).toEqual([
    "failed",
    failure,
    ["saga.compensating", "saga.failed"],
  ]);
});

test("a fail without a message says its code, and one with data says it as JSON", () => {
  const plain = new SagaRun("steps: [{ fail: no_luck }]").start();
  const data = new SagaRun('steps: [{ fail: { code: no_luck, message: "${ input }" } }]', { a: 1 }).start();
  expect([plain.state.failure?.message, data.state.failure?.message]).toEqual(["no_luck", '{"a":1}']);
});

test("no case and no else is the failure no_choice", () => {
  const run = new SagaRun(cases, { result: "odd" }).start();
  expect([run.state.status, run.state.failure?.code]).toEqual(["failed", "no_choice"]);
});

test("the first true condition is taken, else the else", () => {
  const yaml = `
steps:
  - choose:
      - { when: input.n > 2, then: [{ step: many, command: d.many, with: {} }] }
      - { when: input.n > 1, then: [{ step: some, command: d.some, with: {} }] }
      - { else: [{ step: few, command: d.few, with: {} }] }
`;
  const first = (n: number) => new SagaRun(yaml, { n }).start().sent()[0];
  expect([first(3), first(2), first(1)]).toEqual([
    "choose0/when0/many #1",
    "choose0/when1/some #1",
    "choose0/else/few #1",
  ]);
});

test("after a branch it goes on behind the choice", () => {
  const yaml =
    "steps: [{ choose: input.x, cases: { a: [{ step: one, command: d.x, with: {} }] } }, { notify: d.y, with: {} }]";
  const run = new SagaRun(yaml, { x: "a" }).start();
  run.succeed("choose0/a/one");
  expect(run.sent()).toEqual(["choose0/a/one #1", "notify1 #1", "saga.completed"]);
});

test("a notification is shown as succeeded, and text, lists and objects are filled in", () => {
  const run = new SagaRun(
    'steps: [{ step: n, notify: d.n, with: { to: ["${ input.n }", 2], text: "no ${ input.n }!" } }]',
    {
      n: 7,
    },
  ).start();
  expect([run.steps, run.messages[0]?.body]).toEqual([{ n: "succeeded" }, { input: { to: [7, 2], text: "no 7!" } }]);
});

test("text that would hold an object or null parks instead", () => {
  const run = new SagaRun('steps: [{ step: n, notify: d.n, with: { to: "to ${ input }" } }]').start();
  expect([run.state.status, run.state.parked?.kind]).toEqual(["parked", "fault"]);
});
