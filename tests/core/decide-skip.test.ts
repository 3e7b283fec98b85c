import { expect, test } from "bun:test";
import { SagaRun } from "./saga-run.ts";

const REASON = "not needed";
const PARENT = { sagaId: "P", path: "kid" };

/** Parked at `b`, between two steps that can be undone. */
function parked(more = ""): SagaRun {
  const run = new SagaRun(`
defaults: { retry: none }
steps:
  - { step: a, command: d.a, with: {}, compensate: d.undo_a }
  - { step: b, command: d.b, with: {}, compensate: d.undo_b ${more} }
  - { step: c, command: d.c, with: {} }
`).start();
  run.succeed("a");
  run.fail("b");
  run.sent();
  return run;
}

test("a step that never ran is skipped: closed, off the stack, and the saga goes on behind it", () => {
  const run = parked();
  run.skip("b");
  expect([run.sent(), run.state.status, run.steps["b"], run.guards["b"]?.state]).toEqual([
    ["c #1"],
    "running",
    "skipped",
    "closed",
  ]);
  expect(run.state.stack.map(({ path }) => path)).toEqual(["a", "c"]);
  run.reject("c");
  expect([run.sent(), run.state.uncompensated]).toEqual([["saga.compensating", "undo a #1"], []]);
  expect(run.apply({ type: "step.succeeded", path: "b", attempt: 1, output: {} })).toBe("late");
});

test("a step of which nobody knows whether it took effect is listed, and not undone", () => {
  const run = parked();
  run.guards["b"] = { state: "unknown" };
  run.skip("b");
  expect([run.state.uncompensated, run.state.stack.map(({ path }) => path)]).toEqual([
    [{ step: "b", reason: `nobody knows whether it took effect, and it was skipped: ${REASON}` }],
    ["a", "c"],
  ]);
});

test("a step that was done meanwhile counts: nothing is left out", () => {
  const run = parked();
  run.guards["b"] = { state: "done", output: { id: 1 } };
  run.skip("b");
  expect([run.sent(), run.steps["b"], run.state.outputs["b"]]).toEqual([["c #1"], "succeeded", { id: 1 }]);
  run.reject("c");
  expect(run.sent()).toEqual(["saga.compensating", "undo b #1"]);
});

test("a step that runs at this moment is not skipped, nor one that is not parked, nor a pivot", () => {
  const run = parked();
  run.guards["b"] = { state: "running" };
  expect([run.skip("b"), run.skip("a"), run.skip("c"), run.skip("nowhere")]).toEqual([
    "running",
    "not-parked",
    "not-parked",
    "not-parked",
  ]);
  expect(parked(", pivot: true").skip("b")).toBe("pivot");
  const unreadable = new SagaRun(`
steps:
  - { step: p, command: d.p, with: { x: "\${ input.x }" }, pivot: true }
`).start();
  expect([unreadable.state.status, unreadable.skip("p")]).toEqual(["parked", "pivot"]);
});

test("a result that broke its contract is left out, and its step is still undone", () => {
  const run = parked(", returns: { id: string }");
  run.succeed("b", { id: 5 });
  expect(run.state.status).toBe("parked");
  run.sent();
  run.skip("b");
  expect([run.sent(), run.steps["b"], run.state.outputs["b"]]).toEqual([["c #1"], "skipped", undefined]);
  run.reject("c");
  expect(run.sent()).toEqual(["saga.compensating", "undo b #1"]);
});

test("what could not even be entered is skipped, and what stands in another branch waits for its own word", () => {
  const run = new SagaRun(`
steps:
  - parallel:
      left:
        - { step: l, command: d.l, with: { x: "\${ input.x }" } }
        - { step: l2, command: d.l2, with: {} }
      right:
        - { step: r, command: d.r, with: {}, retry: none }
`).start();
  run.fail("parallel0/right/r");
  run.sent();
  run.skip("parallel0/left/l");
  expect([run.sent(), run.state.status, run.state.parked?.step]).toEqual([
    ["parallel0/left/l2 #1"],
    "parked",
    "parallel0/right/r",
  ]);
  run.skip("parallel0/right/r");
  run.succeed("parallel0/left/l2");
  expect([run.state.status, run.sent()]).toEqual(["completed", ["saga.completed"]]);
});

test("an output that cannot be made is left out: the saga completes without one", () => {
  const run = new SagaRun(`
steps: [{ step: a, command: d.a, with: {} }]
output: { x: "\${ input.x }" }
`).start();
  run.succeed("a");
  expect([run.state.status, run.steps["output"]]).toEqual(["parked", "parked"]);
  run.skip("output");
  expect([run.state.status, run.state.output, run.steps["output"]]).toEqual(["completed", undefined, "skipped"]);
});

test("behind the pivot a rejected step and a fail are skipped", () => {
  const run = new SagaRun(`
defaults: { retry: none }
steps:
  - { step: p, command: d.p, with: {}, pivot: true }
  - { step: z, command: d.z, with: {} }
  - fail: impossible
  - { step: y, command: d.y, with: {} }
`).start();
  run.succeed("p");
  run.reject("z");
  expect(run.state.parked?.kind).toBe("rejected");
  run.sent();
  run.skip("z");
  expect([run.sent(), run.state.parked?.step]).toEqual([["saga.parked"], "fail2"]);
  run.skip("fail2");
  run.succeed("y");
  expect([run.state.status, run.steps["z"], run.steps["fail2"]]).toEqual(["completed", "skipped", "skipped"]);
});

/** Goes backward and is parked at the compensation of `a`. */
function parkedBackward(compensate = "{ command: d.undo_a, retry: none }"): SagaRun {
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

test("a compensation is skipped: kept, listed with the reason, and the entries below are undone", () => {
  const run = parkedBackward();
  run.compensationFails("a");
  run.guards["a"] = { state: "done", output: {} };
  run.sent();
  run.skip("a");
  expect([run.sent(), run.guards["a"]?.state, run.steps["a"]]).toEqual([["undo z #1"], "kept", "kept"]);
  run.compensated("z");
  expect([run.state.status, run.state.uncompensated]).toEqual([
    "failed",
    [{ step: "a", reason: `its compensation was skipped: ${REASON}` }],
  ]);
});

test.each([
  ["running", "compensating", "not moved"],
  ["compensated", "compensated", []],
  ["blocked", "closed", []],
] as const)("a parked compensation whose guard says %s", (state, status, uncompensated) => {
  const run = parkedBackward();
  run.compensationFails("a");
  run.guards["a"] = { state };
  const skipped = run.skip("a");
  if (state === "running") expect([skipped, run.state.status]).toEqual(["running", "parked"]);
  else expect([run.steps["a"], run.state.uncompensated as unknown]).toEqual([status, uncompensated]);
});

test("a step of a compensating list is skipped: the list goes on, and what it undoes is listed as not wholly undone", () => {
  const run = parkedBackward("[{ step: x, command: e.x, with: {} }, { step: y, command: e.y, with: {} }]");
  run.fail("a/compensate/x", 1, { retryable: false });
  run.sent();
  run.skip("a/compensate/x");
  expect([run.sent(), run.steps["a/compensate/x"]]).toEqual([["a/compensate/y #1"], "skipped"]);
  run.fail("a/compensate/y", 1, { retryable: false });
  run.guards["a/compensate/y"] = { state: "unknown" };
  run.sent();
  run.skip("a/compensate/y");
  expect([run.sent(), run.state.uncompensated]).toEqual([
    ["undo z #1"],
    [
      { step: "a", reason: `a/compensate/x of its compensation was skipped: ${REASON}` },
      { step: "a", reason: `a/compensate/y of its compensation was skipped: ${REASON}` },
    ],
  ]);
});

test("a completed child that is taken back and is parked there goes on when a person skips it", () => {
  const run = new SagaRun(
    `
defaults: { retry: none }
steps:
  - { step: x, command: d.x, with: {}, compensate: { command: d.undo_x, retry: none } }
`,
    {},
    PARENT,
  ).start();
  run.succeed("x");
  run.apply({ type: "compensate.requested" });
  run.compensationFails("x");
  expect([run.state.status, run.state.parked?.step]).toEqual(["completed", "x"]);
  run.guards["x"] = { state: "done", output: {} };
  run.sent();
  run.skip("x");
  expect([run.sent(), run.messages.at(-1)?.body, run.state.status]).toEqual([
    ["child.compensated"],
    { path: "kid", uncompensated: true },
    "completed",
  ]);
});

test("a child that was terminated is skipped and listed; one that still runs is not skipped", () => {
  const run = new SagaRun(`
steps:
  - { step: kid, saga: kid, with: {} }
  - { step: b, command: d.b, with: {} }
`).start();
  run.childEnded("kid", "terminated");
  run.sent();
  run.skip("kid");
  expect([run.sent(), run.state.uncompensated]).toEqual([
    ["b #1"],
    [{ step: "kid", reason: "its child saga was terminated" }],
  ]);
  const late = new SagaRun(`
steps:
  - { step: p, command: d.p, with: {}, pivot: true }
  - { step: kid, saga: kid, with: {}, deadline: 1m }
`).start();
  late.succeed("p");
  late.fire("deadline:kid");
  expect([late.state.status, late.skip("kid"), late.resolve("kid")]).toEqual(["parked", "running", "running"]);
});

test("a child whose result broke its contract is skipped, and is still taken back", () => {
  const run = new SagaRun(`
steps:
  - { step: kid, saga: kid, with: {}, returns: { id: string } }
  - { step: b, command: d.b, with: {} }
`).start();
  run.childEnded("kid", "completed", { output: { id: 1 } });
  expect(run.state.status).toBe("parked");
  run.sent();
  run.skip("kid");
  run.reject("b");
  expect(run.sent()).toEqual(["b #1", "saga.compensating", "compensate.requested"]);
});
