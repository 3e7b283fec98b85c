import { expect, test } from "bun:test";
import { SagaRun } from "./saga-run.ts";

const catching = (entries: string) => `
defaults: { retry: { attempts: 1 } }
steps:
  - step: a
    command: d.a
    with: {}
    compensate: d.undo_a
    deadline: 1m
    catch: { ${entries} }
  - { step: next, command: d.next, with: {} }
`;

function caught(entries: string): SagaRun {
  const run = new SagaRun(catching(entries)).start();
  run.sent();
  return run;
}

test("an empty catch ignores the failure and goes on behind the step", () => {
  const run = caught("rejected: []");
  run.reject("a");
  expect([run.sent(), run.steps["a"], run.state.stack.map(({ path }) => path)]).toEqual([
    ["next #1"],
    "rejected",
    ["next"],
  ]);
});

test("inside a catch block the output of a command and of a child reads the error", () => {
  const output = "output: { why: '${ error.code }', n: '${ result.n }' }";
  const run = caught(
    `refused: [{ step: c, command: d.c, with: {}, ${output} }, { step: k, saga: kid, with: {}, ${output} }]`,
  );
  run.reject("a");
  run.succeed("a/catch/refused/c", { n: 1 });
  run.childEnded("a/catch/refused/k", "completed", { output: { n: 2 } });
  expect([run.state.status, run.state.outputs]).toEqual([
    "running",
    { c: { why: "refused", n: 1 }, k: { why: "refused", n: 2 } },
  ]);
});

test("the own code wins over the class, and the class over any", () => {
  const entries = (...codes: string[]) =>
    codes.map((code) => `${code}: [{ step: s_${code}, command: d.x, with: {} }]`).join(", ");
  const sentFor = (text: string) => {
    const run = caught(text);
    run.reject("a");
    return run.sent();
  };
  expect(sentFor(entries("any", "rejected", "refused"))).toEqual(["a/catch/refused/s_refused #1"]);
  expect(sentFor(entries("any", "rejected"))).toEqual(["a/catch/rejected/s_rejected #1"]);
  expect(sentFor(entries("any"))).toEqual(["a/catch/any/s_any #1"]);
});

test("a caught block may read the error, also in a step inside a choice", () => {
  const run = caught(
    'any: [{ choose: error.code, cases: { refused: [{ step: s, command: d.s, with: "${ error }" }] } }]',
  );
  run.reject("a");
  expect(run.messages.at(-1)?.body).toEqual({ input: { code: "refused", message: "no", step: "a" } });
});

test("a technical failure that is caught does not park, and closes the guard", () => {
  const run = caught("failed: []");
  run.fail("a");
  expect([run.guards["a"], run.steps["a"], run.sent()]).toEqual([{ state: "closed" }, "failed", ["next #1"]]);
});

test("a timeout is caught by its code", () => {
  const run = caught("timeout: []");
  run.fail("a", 1, { code: "timeout" });
  expect(run.sent()).toEqual(["next #1"]);
});

test("a step that was done when it is given up is adopted and not caught", () => {
  const run = caught("failed: [{ fail: never }]");
  run.guards["a"] = { state: "done", output: { id: 1 } };
  run.fail("a");
  expect([run.state.outputs, run.sent()]).toEqual([{ a: { id: 1 } }, ["next #1"]]);
});

test("a step that the business had refused when it is given up is caught as rejected", () => {
  const run = caught("failed: [{ fail: never }], refused: []");
  run.guards["a"] = { state: "rejected", code: "refused", message: "no" };
  run.fail("a");
  expect(run.sent()).toEqual(["next #1"]);
});

test("an unknown step that is caught stays on the stack and is undone later", () => {
  const run = caught("failed: []");
  run.guards["a"] = { state: "unknown" };
  run.fail("a", 1, { unknown: true });
  run.reject("next");
  expect(run.sent()).toEqual(["next #1", "saga.compensating", "undo a #1"]);
});

test("a step that runs while it is given up is waited for and sends no further attempt", () => {
  const run = caught("failed: []");
  run.guards["a"] = { state: "running" };
  run.fail("a", 1, { retryable: false });
  expect([run.state.status, run.dueIn("guard:a"), run.sent()]).toEqual(["running", 1_000, []]);
  run.fire("guard:a");
  delete run.guards["a"];
  run.fire("guard:a");
  expect(run.sent()).toEqual(["next #1"]);
});

test("a rejection named in also is not retried once its step is given up", () => {
  const yaml = "steps: [{ step: a, command: d.a, with: {}, retry: { also: [busy] }, catch: { failed: [], busy: [] } }]";
  const run = new SagaRun(yaml).start();
  run.guards["a"] = { state: "running" };
  run.fail("a", 1, { retryable: false });
  run.reject("a", "busy");
  expect([run.state.status, run.state.timers, run.sent()]).toEqual(["completed", {}, ["a #1", "saga.completed"]]);
});

test("a failure that arrives while the step is closing keeps the first reason", () => {
  const run = caught("first: [{ step: x, command: d.x, with: {} }], failed: []");
  run.guards["a"] = { state: "running" };
  run.fail("a", 1, { code: "first" });
  delete run.guards["a"];
  run.fail("a", 1, { code: "second" });
  expect(run.sent()).toEqual(["a/catch/first/x #1"]);
});

test("a fail inside a catch goes outward and cannot be caught again", () => {
  const run = caught("any: [{ fail: gave_up }]");
  run.reject("a");
  expect([run.state.status, run.state.failure?.code]).toEqual(["failed", "gave_up"]);
});

test("a step that is closing has no deadline and no retry any more", () => {
  const run = new SagaRun(catching("fatal: []").replace("attempts: 1", "attempts: 3")).start();
  run.guards["a"] = { state: "running" };
  run.fail("a", 1, { code: "fatal", retryable: false });
  expect(Object.keys(run.state.timers)).toEqual(["guard:a"]);
  delete run.guards["a"];
  run.fail("a");
  expect([run.sent(), run.state.timers]).toEqual([["a #1", "next #1"], {}]);
});

test("while a catch block runs the timers of its step are gone", () => {
  const run = caught("failed: [{ step: other, command: d.other, with: {} }]");
  run.fail("a");
  expect([run.steps, run.state.timers]).toEqual([{ a: "failed", "a/catch/failed/other": "running" }, {}]);
});
