import { expect, test } from "bun:test";
import { SagaRun } from "./saga-run.ts";

/** Parked at `b`, between two steps that can be undone. */
function parked(more = ""): SagaRun {
  const run = new SagaRun(`
defaults: { retry: none }
steps:
  - { step: a, command: d.a, with: {}, compensate: d.undo_a }
  - { step: b, command: d.b, with: {}, compensate: d.undo_b ${more} }
  - { step: c, command: d.c, with: { b: "\${ steps.b.id }" } }
`).start();
  run.succeed("a");
  run.fail("b");
  run.sent();
  return run;
}

test("a step is resolved: its guard says done with the result, later steps read it, and it is undone like any other", () => {
  const run = parked();
  run.resolve("b", { id: 7 });
  expect([run.sent(), run.messages.at(-1)?.body, run.steps["b"], run.guards["b"]]).toEqual([
    ["c #1"],
    { input: { b: 7 } },
    "succeeded",
    { state: "done", output: { id: 7 } },
  ]);
  run.reject("c");
  expect([run.sent(), run.messages.at(-1)?.body]).toEqual([
    ["saga.compensating", "undo b #1"],
    { input: {}, compensates: { stepKey: "S/b", input: {}, output: { id: 7 } } },
  ]);
});

test("what the participant has done counts more than what a person says of it", () => {
  const run = parked();
  run.guards["b"] = { state: "done", output: { id: 1 } };
  const transition = run.resolve("b", { id: 7 });
  expect(transition).not.toHaveProperty("resolved");
  expect(run.state.outputs["b"]).toEqual({ id: 1 });
});

test.each(["closed", "unknown", "rejected"] as const)("a guard that says %s says done from then on", (state) => {
  const run = parked();
  run.guards["b"] = state === "rejected" ? { state, code: "no", message: "" } : { state };
  run.resolve("b", { id: 7 });
  expect(run.guards["b"]).toEqual({ state: "done", output: { id: 7 } });
});

test("a step that runs at this moment is not resolved, nor one that is not parked, nor one without a result", () => {
  const run = parked();
  run.guards["b"] = { state: "running" };
  expect([run.resolve("b"), run.resolve("a")]).toEqual(["running", "not-parked"]);
  const choice = new SagaRun('steps: [{ choose: [{ when: "input.x", then: [] }] }]').start();
  expect([choice.state.status, choice.resolve("choose0")]).toEqual(["parked", "no-result"]);
});

test("a resolved pivot is passed", () => {
  const run = parked(", pivot: true");
  run.guards["b"] = { state: "unknown" };
  run.resolve("b", { id: 7 });
  expect([run.state.pivotPassed, run.state.stack]).toEqual([true, []]);
});

test("a result that breaks the contract parks the step again, and a second one mends it", () => {
  const run = parked(", returns: { id: integer }");
  run.resolve("b", { id: "seven" });
  expect([run.state.status, run.state.parked?.code, run.guards["b"]?.state]).toEqual([
    "parked",
    "step.contract",
    "done",
  ]);
  run.resolve("b", { id: 7 });
  expect([run.state.status, run.state.outputs["b"]]).toEqual(["running", { id: 7 }]);
});

test("a command that could not be entered is resolved and is on the stack", () => {
  const run = new SagaRun(`
steps:
  - { step: a, command: d.a, with: { x: "\${ input.x }" }, compensate: { command: d.undo_a, with: { id: 1 } } }
  - { step: c, command: d.c, with: {} }
`).start();
  run.resolve("a", {});
  expect([run.sent(), run.guards["a"]?.state]).toEqual([["saga.parked", "c #1"], "done"]);
  run.reject("c");
  expect(run.messages.at(-1)?.body).toEqual({
    input: { id: 1 },
    compensates: { stepKey: "S/a", input: null, output: {} },
  });
});

test("a wait behind the pivot whose deadline has passed is resolved like a signal", () => {
  const run = new SagaRun(`
steps:
  - { step: p, command: d.p, with: {}, pivot: true }
  - { step: w, wait: go, deadline: 1m, returns: { n: integer }, output: "\${ result.n + 1 }" }
`).start();
  run.succeed("p");
  run.fire("deadline:w");
  expect(run.state.status).toBe("parked");
  run.resolve("w", { n: "x" });
  expect([run.state.status, run.state.parked?.code]).toEqual(["parked", "step.contract"]);
  run.resolve("w", { n: 1 });
  expect([run.state.status, run.state.outputs["w"]]).toEqual(["completed", 2]);
});

test("a wait without an output of its own gives what a person says", () => {
  const run = new SagaRun(`
steps:
  - { step: p, command: d.p, with: {}, pivot: true }
  - { step: w, wait: go, deadline: 1m }
`).start();
  run.succeed("p");
  run.fire("deadline:w");
  run.resolve("w", { n: 1 });
  expect([run.state.status, run.state.outputs["w"]]).toEqual(["completed", { n: 1 }]);
});

test("a wait whose output cannot be made of the result stands again", () => {
  const run = new SagaRun(`
steps:
  - { step: p, command: d.p, with: {}, pivot: true }
  - { step: w, wait: go, deadline: 1m, output: "\${ result.n }" }
`).start();
  run.succeed("p");
  run.fire("deadline:w");
  run.resolve("w", {});
  expect([run.state.status, run.state.parked?.code]).toEqual(["parked", "expression.failed"]);
  run.resolve("w", { n: 1 });
  expect(run.state.status).toBe("completed");
});

test("the saga's own output is resolved; one that is too large stands again", () => {
  const run = new SagaRun(`
steps: [{ step: a, command: d.a, with: {} }]
output: { x: "\${ input.x }" }
`).start();
  run.succeed("a");
  run.resolve("output", "x".repeat(300_000));
  expect([run.state.status, run.state.parked?.code]).toEqual(["parked", "message.too-large"]);
  run.resolve("output", { x: 1 });
  expect([run.state.status, run.state.output, run.steps["output"]]).toEqual(["completed", { x: 1 }, "succeeded"]);
});

/** Goes backward and is parked at the compensation of `a`. */
function parkedBackward(compensate: string): SagaRun {
  const run = new SagaRun(`
defaults: { retry: none }
steps:
  - { step: z, command: d.z, with: {}, compensate: d.undo_z }
  - { step: a, command: d.a, with: {}, compensate: ${compensate} }
  - { step: b, command: d.b, with: {} }
`).start();
  run.succeed("z");
  run.succeed("a");
  run.reject("b");
  return run;
}

test.each([
  ["done", "compensated", "compensated"],
  ["unknown", "compensated", "compensated"],
  ["compensated", "compensated", "compensated"],
  ["blocked", "blocked", "closed"],
] as const)("a compensation over a guard that says %s is resolved", (before, after, status) => {
  const run = parkedBackward("{ command: d.undo_a, retry: none }");
  run.compensationFails("a");
  run.guards["a"] = before === "done" ? { state: before, output: {} } : { state: before };
  run.sent();
  run.resolve("a");
  expect([run.sent(), run.guards["a"]?.state, run.steps["a"]]).toEqual([["undo z #1"], after, status]);
  run.compensated("z");
  expect([run.state.status, run.state.uncompensated]).toEqual(["failed", []]);
});

test("a compensation that runs at this moment is not resolved", () => {
  const run = parkedBackward("{ command: d.undo_a, retry: none }");
  run.compensationFails("a");
  run.guards["a"] = { state: "running" };
  expect(run.resolve("a")).toBe("running");
});

test("a step of a compensating list is resolved, also one that could not be entered: the list goes on", () => {
  const run = parkedBackward(
    '[{ step: x, command: e.x, with: { x: "${ input.x }" } }, { step: y, command: e.y, with: {} }]',
  );
  expect(run.state.parked?.step).toBe("a/compensate/x");
  run.sent();
  run.resolve("a/compensate/x");
  run.fail("a/compensate/y", 1, { retryable: false });
  run.resolve("a/compensate/y");
  expect([run.sent(), run.state.uncompensated, run.state.stack.map(({ path }) => path)]).toEqual([
    ["a/compensate/y #1", "saga.parked", "undo z #1"],
    [],
    ["z"],
  ]);
});

test("a child that was terminated is resolved with an output, and listed when its parent goes backward", () => {
  const run = new SagaRun(`
steps:
  - { step: kid, saga: kid, with: {}, returns: { id: integer } }
  - { step: b, command: d.b, with: { id: "\${ steps.kid.id }" } }
`).start();
  run.childEnded("kid", "terminated");
  run.resolve("kid", { id: "x" });
  expect([run.state.status, run.state.parked?.code]).toEqual(["parked", "step.contract"]);
  run.resolve("kid", { id: 1 });
  expect(run.messages.at(-1)?.body).toEqual({ input: { id: 1 } });
  run.reject("b");
  expect(run.state.uncompensated).toEqual([{ step: "kid", reason: "its child saga was terminated" }]);
});

test("a child that could not even be asked for is resolved and listed, for no child takes it back", () => {
  const steps = `
  - { step: kid, saga: kid, with: { x: "\${ input.x }" } }
  - { step: b, command: d.b, with: {} }
`;
  const run = new SagaRun(`steps:${steps}`).start();
  run.resolve("kid", {});
  expect([run.state.status, run.state.uncompensated]).toEqual([
    "running",
    [{ step: "kid", reason: "a person resolved it without a child saga" }],
  ]);
  const forward = new SagaRun(`steps:\n  - { step: p, command: d.p, with: {}, pivot: true }${steps}`).start();
  forward.succeed("p");
  forward.resolve("kid", {});
  expect([forward.state.status, forward.state.uncompensated]).toEqual(["running", []]);
});

test("a step that is resolved as the saga turns round is undone by its list: a person's word counts at once", () => {
  const run = new SagaRun(`
defaults: { retry: none }
steps:
  - { step: a, command: d.a, with: {}, compensate: [{ step: back, command: e.back, with: {} }] }
  - fail: over
`).start();
  run.fail("a");
  run.sent();
  run.resolve("a", { id: 7 });
  expect([run.sent(), run.state.status, run.steps["a"], run.guards["a"]]).toEqual([
    ["saga.compensating", "a/compensate/back #1"],
    "compensating",
    "compensating",
    { state: "done", output: { id: 7 } },
  ]);
  run.succeed("a/compensate/back");
  expect([run.state.status, run.steps["a"], run.state.uncompensated]).toEqual(["failed", "compensated", []]);
});
