import { expect, test } from "bun:test";
import { SagaRun } from "./saga-run.ts";

const PARENT = { sagaId: "P", path: "kid" };
const LEFT = "the saga was terminated";

/** Two branches in progress behind a step that is done. */
function running(): SagaRun {
  const run = new SagaRun(`
deadline: 1h
steps:
  - { step: a, command: d.a, with: {}, compensate: d.undo_a }
  - parallel:
      left:
        - { step: l, command: d.l, with: {}, compensate: d.undo_l }
      right:
        - { step: w, wait: go, deadline: 1m }
  - { step: c, command: d.c, with: {} }
`).start();
  run.succeed("a");
  run.sent();
  return run;
}

test("a saga is terminated: it says so, sends nothing else, undoes nothing, and has no timer left", () => {
  const run = running();
  run.terminate();
  expect([run.sent(), run.messages.at(-1)?.body]).toEqual([
    ["saga.terminated"],
    { error: { code: "terminated", message: "enough", step: "parallel1/left/l" }, uncompensated: [] },
  ]);
  expect([run.state.status, run.state.timers, run.state.waitingFor, run.state.root]).toEqual([
    "terminated",
    {},
    [],
    { at: 1 },
  ]);
  expect([run.guards["parallel1/left/l"]?.state, run.state.stack.map(({ path }) => path)]).toEqual(["closed", ["a"]]);
  expect(run.steps).toMatchObject({ "parallel1/left/l": "closed", "parallel1/right/w": "closed", parallel1: "closed" });
  expect([run.cancel(), run.terminate(), run.signal("go"), run.succeed("parallel1/left/l")]).toEqual([
    "final",
    "final",
    "final",
    "final",
  ]);
});

test.each([
  ["done", "succeeded", ["a", "parallel1/left/l"]],
  ["unknown", "failed", ["a", "parallel1/left/l"]],
  ["rejected", "rejected", ["a"]],
  ["closed", "closed", ["a"]],
] as const)("a step in flight whose guard says %s", (state, status, stack) => {
  const run = running();
  const outcome = state === "done" ? { output: { id: 1 } } : { code: "no", message: "" };
  run.guards["parallel1/left/l"] = { state, ...outcome } as never;
  run.terminate();
  expect([run.steps["parallel1/left/l"], run.state.stack.map(({ path }) => path)]).toEqual([status, [...stack]]);
});

test("a step that runs at this moment is asked for again until its guard is settled; nothing is sent for it", () => {
  const run = running();
  run.guards["parallel1/left/l"] = { state: "running" };
  run.terminate();
  expect([run.sent(), Object.keys(run.state.timers), run.state.status]).toEqual([
    ["saga.terminated"],
    ["guard:parallel1/left/l"],
    "terminated",
  ]);
  expect(run.fail("parallel1/left/l")).toBe("final");
  run.fire("guard:parallel1/left/l");
  expect(Object.keys(run.state.timers)).toEqual(["guard:parallel1/left/l"]);
  run.guards["parallel1/left/l"] = { state: "closed" };
  run.fire("guard:parallel1/left/l");
  expect([run.sent(), run.state.timers, run.state.root, run.state.winding]).toEqual([[], {}, { at: 1 }, undefined]);
});

test("a parked saga is terminated, with what it was parked at: a step, a held result, a fault, the output", () => {
  const step = "{ step: b, command: d.b, with: {}, retry: none, returns: { id: string } }";
  const one = new SagaRun(`steps: [${step}]`).start();
  one.fail("b");
  one.terminate();
  const held = new SagaRun(`steps: [${step}]`).start();
  held.succeed("b", { id: 1 });
  held.terminate();
  const fault = new SagaRun('steps: [{ step: b, command: d.b, with: "${ input.x }" }]').start();
  fault.terminate();
  const output = new SagaRun('steps: [{ step: b, command: d.b, with: {} }]\noutput: "${ input.x }"').start();
  output.succeed("b");
  output.terminate();
  const seen = [one, held, fault, output].map((run) => [run.state.status, run.steps["b"], run.state.parked]);
  expect(seen).toEqual([
    ["terminated", "closed", undefined],
    ["terminated", "succeeded", undefined],
    ["terminated", "closed", undefined],
    ["terminated", "succeeded", undefined],
  ]);
  expect([output.steps["output"], output.state.failure?.step]).toEqual(["closed", "output"]);
});

/** Goes backward; `a` is being undone. */
function backward(compensate = "d.undo_a"): SagaRun {
  const run = new SagaRun(`
steps:
  - { step: z, command: d.z, with: {}, compensate: d.undo_z }
  - { step: a, command: d.a, with: {}, compensate: ${compensate} }
  - { step: b, command: d.b, with: {} }
`).start();
  run.succeed("z");
  run.succeed("a");
  run.guards["a"] = { state: "done", output: {} };
  run.reject("b");
  run.sent();
  return run;
}

test("a compensation that is given up is kept and listed", () => {
  const run = backward();
  run.terminate();
  expect([run.sent(), run.state.failure?.step, run.steps["a"], run.guards["a"]?.state]).toEqual([
    ["saga.terminated"],
    "a",
    "kept",
    "kept",
  ]);
  expect([run.state.uncompensated, run.state.stack.map(({ path }) => path)]).toEqual([
    [{ step: "a", reason: LEFT }],
    ["z"],
  ]);
});

test("a compensation that runs at this moment may still take effect, and then is not listed", () => {
  const run = backward();
  run.guards["a"] = { state: "running" };
  run.terminate();
  expect(Object.keys(run.state.timers)).toEqual(["guard:a"]);
  run.guards["a"] = { state: "compensated" };
  run.fire("guard:a");
  expect([run.state.uncompensated, run.steps["a"], run.state.timers]).toEqual([[], "compensated", {}]);
});

test("a parked compensation that runs once more while the saga is terminated is parked no more", () => {
  const run = backward();
  run.compensationFails("a", 1, false);
  expect([run.state.status, run.steps["a"]]).toEqual(["parked", "parked"]);
  run.guards["a"] = { state: "running" };
  run.terminate();
  expect([run.state.status, run.state.parked, run.steps["a"]]).toEqual(["terminated", undefined, "compensating"]);
});

test("a compensation that had nothing to undo is not listed", () => {
  const run = backward();
  run.guards["a"] = { state: "blocked" };
  run.terminate();
  expect([run.state.uncompensated, run.steps["a"]]).toEqual([[], "closed"]);
});

test("a list that compensates is given up with its step in flight; one that runs is awaited first", () => {
  const list = "[{ step: x, command: e.x, with: {} }, { step: y, command: e.y, with: {} }]";
  const run = backward(list);
  run.guards["a/compensate/x"] = { state: "running" };
  run.terminate();
  expect([run.state.uncompensated, Object.keys(run.state.timers)]).toEqual([[], ["guard:a/compensate/x"]]);
  run.guards["a/compensate/x"] = { state: "done", output: {} };
  run.fire("guard:a/compensate/x");
  expect([run.sent(), run.state.uncompensated, run.steps["a/compensate/x"]]).toEqual([
    ["saga.terminated"],
    [{ step: "a", reason: LEFT }],
    "succeeded",
  ]);
});

test("a list that waits for its step's end is given up with it", () => {
  const run = new SagaRun(`
steps:
  - { step: a, command: d.a, with: {}, deadline: 1m, compensate: [{ step: x, command: e.x, with: {} }] }
  - { step: b, command: d.b, with: {} }
`).start();
  run.succeed("a");
  run.guards["a"] = { state: "running" };
  run.reject("b");
  expect(run.undoing()?.kind).toBe("guard");
  run.terminate();
  expect(Object.keys(run.state.timers)).toEqual(["guard:a"]);
  run.guards["a"] = { state: "done", output: {} };
  run.fire("guard:a");
  expect(run.state.uncompensated).toEqual([{ step: "a", reason: LEFT }]);
});

test("a step below a choice is ended like any other", () => {
  const run = new SagaRun(
    'steps: [{ choose: [{ when: "true", then: [{ step: x, command: d.x, with: {} }] }] }]',
  ).start();
  run.terminate();
  expect([run.state.failure?.step, run.steps, run.state.root]).toEqual([
    "choose0/when0/x",
    { "choose0/when0/x": "closed" },
    { at: 0 },
  ]);
});

test("a saga that was parked at its output is parked no more while a notification of it still runs", () => {
  const run = new SagaRun("steps: [{ notify: d.n, with: {} }]\noutput: '${ input.x }'").start();
  run.guards[""] = { state: "running" };
  run.terminate();
  expect([run.state.status, run.state.winding, run.state.parked, run.steps["output"]]).toEqual([
    "terminated",
    true,
    undefined,
    "closed",
  ]);
});

test("notifications that nobody has taken are closed; one that runs is asked for again", () => {
  const run = new SagaRun(`
steps:
  - { step: n, notify: d.n, with: {} }
  - { step: w, wait: go }
`).start();
  run.guards[""] = { state: "running" };
  run.terminate();
  expect([run.state.status, Object.keys(run.state.timers)]).toEqual(["terminated", ["guard:"]]);
  run.guards[""] = { state: "closed" };
  run.fire("guard:");
  expect([run.state.timers, run.state.winding]).toEqual([{}, undefined]);
});

test("what a caught block undoes is given up, and its catch never begins", () => {
  const run = new SagaRun(`
steps:
  - step: both
    parallel:
      l: [{ step: x, command: d.x, with: {}, compensate: d.undo_x }]
      r: [{ step: y, command: d.y, with: {} }]
    catch: { any: [{ step: other, command: d.other, with: {} }] }
`).start();
  run.succeed("both/l/x");
  run.guards["both/l/x"] = { state: "done", output: {} };
  run.reject("both/r/y");
  run.sent();
  run.terminate();
  expect([run.sent(), run.state.root, run.state.uncompensated]).toEqual([
    ["saga.terminated"],
    { at: 0 },
    [{ step: "both/l/x", reason: LEFT }],
  ]);
});

/** Two children: one completed, one in progress; a third step follows. */
const CHILDREN = `
steps:
  - { step: one, saga: kid, with: {} }
  - { step: two, saga: kid, with: {} }
  - { step: b, command: d.b, with: {} }
`;

test("a parent's children are terminated with it, and completed ones may forget their stack", () => {
  const run = new SagaRun(CHILDREN).start();
  run.childEnded("one", "completed");
  run.sent();
  run.terminate();
  expect(run.sent()).toEqual(["parent.terminated", "child.released", "saga.terminated"]);
  const [told, forgets] = run.messages.slice(-3);
  expect([told?.to, told?.body, forgets?.to]).toEqual([run.childAt("two"), { reason: "enough" }, run.childAt("one")]);
  expect(run.childEnded("two", "terminated")).toBe("final");
});

test("a child that takes itself back is told as well, and listed", () => {
  const run = new SagaRun(CHILDREN).start();
  run.childEnded("one", "completed", { pivotPassed: true });
  run.childEnded("two", "completed");
  run.reject("b");
  run.sent();
  run.terminate();
  expect([run.sent(), run.state.uncompensated]).toEqual([
    ["parent.terminated", "saga.terminated"],
    [{ step: "two", reason: LEFT }],
  ]);
});

test("a child that has ended or whose result is held is not told", () => {
  const ended = new SagaRun(CHILDREN).start();
  ended.childEnded("one", "terminated");
  ended.sent();
  ended.terminate();
  expect(ended.sent()).toEqual(["saga.terminated"]);
  const held = new SagaRun('steps: [{ step: one, saga: kid, with: {}, output: "${ result.x }" }]').start();
  held.childEnded("one", "completed", { output: {} });
  held.sent();
  held.terminate();
  expect([held.sent(), held.steps["one"]]).toEqual([["child.released", "saga.terminated"], "succeeded"]);
});

/** A child that has completed, with one step that can be undone. */
function child(): SagaRun {
  const run = new SagaRun(
    "steps: [{ step: x, command: d.x, with: {}, compensate: { command: d.undo_x, retry: none } }]",
    {},
    PARENT,
  ).start();
  run.succeed("x");
  run.guards["x"] = { state: "done", output: {} };
  return run;
}

test("a terminated child tells its parent, which parks; a child whose parent was terminated ends as well", () => {
  const run = new SagaRun("steps: [{ step: x, command: d.x, with: {} }]", {}, PARENT).start();
  run.apply({ type: "parent.terminated", reason: "enough" });
  expect([run.state.status, run.messages.slice(-2).map(({ type }) => type)]).toEqual([
    "terminated",
    ["saga.terminated", "child.ended"],
  ]);
  expect(run.messages.at(-1)?.body).toMatchObject({ path: "kid", status: "terminated", code: "terminated" });
});

test("a completed child whose parent was terminated forgets its stack; a person cannot terminate it any more", () => {
  const run = child();
  expect(run.terminate()).toBe("final");
  run.sent();
  run.apply({ type: "parent.terminated", reason: "enough" });
  expect([run.state.status, run.state.stack, run.sent()]).toEqual(["completed", [], []]);
  expect(run.apply({ type: "parent.terminated", reason: "enough" })).toBe("final");
});

test("a child that is being taken back stops there, for its parent's sake or a person's; a person's word is told", () => {
  for (const [type, told] of [
    ["parent.terminated", []],
    ["terminate.requested", ["child.compensated"]],
  ] as const) {
    const run = child();
    run.apply({ type: "compensate.requested" });
    run.compensationFails("x");
    run.sent();
    run.apply({ type, reason: "enough" });
    expect([run.sent(), run.state.status, run.guards["x"]?.state]).toEqual([[...told], "completed", "kept"]);
    expect(run.state.uncompensated).toEqual([{ step: "x", reason: LEFT }]);
    expect(run.terminate()).toBe("final");
  }
});

test("a compensation of such a child that runs at this moment is asked for again", () => {
  const run = child();
  run.apply({ type: "compensate.requested" });
  run.guards["x"] = { state: "running" };
  run.terminate();
  expect(run.messages.at(-1)?.body).toEqual({ path: "kid", uncompensated: true });
  run.guards["x"] = { state: "compensated" };
  run.fire("guard:x");
  expect([run.state.uncompensated, run.state.timers, run.state.status]).toEqual([[], {}, "completed"]);
});
