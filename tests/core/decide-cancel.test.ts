import { expect, test } from "bun:test";
import { SagaRun } from "./saga-run.ts";

const yaml = `
defaults: { retry: { attempts: 2 } }
steps:
  - { step: a, command: d.a, with: {}, compensate: d.undo_a, returns: { id: integer }, catch: { any: [] } }
  - { step: w, wait: go }
`;

const cancelledAtA = { code: "cancelled", message: "asked", step: "a", kind: "cancelled" } as const;

test("a cancel is a failure that nothing catches", () => {
  const run = new SagaRun(yaml).start();
  run.cancel();
  expect([run.state.status, run.state.failure, run.sent()]).toEqual([
    "cancelled",
    cancelledAtA,
    ["a #1", "saga.compensating", "saga.cancelled"],
  ]);
});

test("a cancel while the saga waits undoes what was done", () => {
  const run = new SagaRun(yaml).start();
  run.succeed("a", { id: 1 });
  run.cancel();
  run.compensated("a");
  expect([run.state.status, run.state.failure?.step]).toEqual(["cancelled", "w"]);
});

function cancelledWhileRunning(): SagaRun {
  const run = new SagaRun(yaml).start();
  run.guards["a"] = { state: "running" };
  run.cancel();
  run.sent();
  return run;
}

test("a cancel while the step runs is recorded and done at its answer", () => {
  const run = cancelledWhileRunning();
  expect([run.state.status, run.state.closing, run.dueIn("guard:a")]).toEqual(["running", cancelledAtA, 1_000]);
  run.succeed("a", { id: 1 });
  expect(run.sent()).toEqual(["saga.compensating", "undo a #1"]);
});

test("a cancel that waits sends no further attempt: a failure or a rejection ends the step", () => {
  const failed = cancelledWhileRunning();
  delete failed.guards["a"];
  failed.fail("a");
  const rejected = cancelledWhileRunning();
  rejected.reject("a");
  for (const run of [failed, rejected])
    expect([run.state.status, run.state.failure]).toEqual(["cancelled", cancelledAtA]);
});

test("a cancel that waits asks the guard again when its timer fires", () => {
  const run = cancelledWhileRunning();
  run.fire("guard:a");
  expect(run.state.status).toBe("running");
  delete run.guards["a"];
  run.fire("guard:a");
  expect(run.state.status).toBe("cancelled");
});

test("a result that breaks its contract does not park a saga that is cancelled", () => {
  const run = cancelledWhileRunning();
  run.succeed("a", { id: "one" });
  expect([run.state.status, run.sent()]).toEqual(["compensating", ["saga.compensating", "undo a #1"]]);
});

test("a cancel ends a backoff", () => {
  const run = new SagaRun("steps: [{ step: a, command: d.a, with: {} }]").start();
  run.fail("a");
  run.cancel();
  expect([run.state.status, run.state.timers]).toEqual(["cancelled", {}]);
});

const parking = "steps: [{ step: a, command: d.a, with: {}, compensate: d.undo_a, retry: none }]";

test("a parked saga can be cancelled", () => {
  const run = new SagaRun(parking).start();
  run.fail("a");
  run.cancel();
  expect([run.state.status, run.state.parked]).toEqual(["cancelled", undefined]);
});

test("a cancel of a parked saga whose step runs again leaves nothing to retry", () => {
  const run = new SagaRun(parking).start();
  run.fail("a");
  run.guards["a"] = { state: "running" };
  run.cancel();
  expect([run.state.status, run.retry(), run.sent()]).toEqual(["running", "not-parked", ["a #1", "saga.parked"]]);
});

test("a saga whose result is held can be cancelled, and the step is undone with that result", () => {
  const run = new SagaRun(yaml).start();
  run.succeed("a", { id: "one" });
  run.cancel();
  expect(run.messages.at(-1)?.body).toMatchObject({ compensates: { output: { id: "one" } } });
});

test("a finished cancel leaves nothing in the state, and a step that cannot be undone shows that it ran", () => {
  const run = new SagaRun("steps: [{ step: a, command: d.a, with: {}, deadline: 1m }]").start();
  run.guards["a"] = { state: "running" };
  run.cancel();
  run.succeed("a");
  expect([run.state.status, run.state.closing, run.state.timers, run.steps]).toEqual([
    "cancelled",
    undefined,
    {},
    { a: "succeeded" },
  ]);
  expect(run.state.uncompensated).toEqual([{ step: "a", reason: "the step has no compensation" }]);
});

test("a cancelled step whose result broke its contract is shown as succeeded when it cannot be undone", () => {
  const run = new SagaRun("steps: [{ step: a, command: d.a, with: {}, returns: { id: integer } }]").start();
  run.guards["a"] = { state: "running" };
  run.cancel();
  run.succeed("a", { id: "one" });
  expect([run.state.status, run.steps]).toEqual(["cancelled", { a: "succeeded" }]);
});

test("a cancel in a backoff whose step runs again stops the next attempt", () => {
  const run = new SagaRun("steps: [{ step: a, command: d.a, with: {} }]").start();
  run.fail("a");
  run.guards["a"] = { state: "running" };
  run.cancel();
  expect(Object.keys(run.state.timers)).toEqual(["guard:a"]);
});

test("a cancel while the business has said no already is the step's failure all the same", () => {
  const run = new SagaRun(yaml).start();
  run.guards["a"] = { state: "rejected", code: "refused", message: "no" };
  expect(run.cancel()).toMatchObject({ steps: [{ path: "a", status: "failed", failure: cancelledAtA }] });
  expect([run.state.status, run.state.failure]).toEqual(["cancelled", cancelledAtA]);
});

test("the total deadline does not take the place of a cancel that waits", () => {
  const run = new SagaRun(`deadline: 1h\n${yaml}`).start();
  run.guards["a"] = { state: "running" };
  run.cancel();
  run.fire("deadline:");
  expect(run.state.closing).toEqual(cancelledAtA);
  run.reject("a");
  expect([run.state.status, run.state.failure]).toEqual(["cancelled", cancelledAtA]);
});

test.each(["a cancel", "the total deadline"])("%s over an output that is parked leaves nothing parked", (what) => {
  const run = new SagaRun("deadline: 1h\nsteps: []\noutput: { first: '${ input.list[0] }' }", { list: [] }).start();
  expect([run.state.status, run.steps["output"]]).toEqual(["parked", "parked"]);
  if (what === "a cancel") run.cancel();
  else run.fire("deadline:");
  expect([run.state.status, run.steps["output"]]).toEqual([what === "a cancel" ? "cancelled" : "failed", "closed"]);
});

test("a parked step that runs once more while it is given up is parked no more", () => {
  const run = new SagaRun("defaults: { retry: none }\nsteps: [{ step: a, command: d.a, with: {} }]").start();
  run.fail("a");
  run.guards["a"] = { state: "running" };
  run.cancel();
  expect([run.state.status, run.steps["a"], run.retry("a")]).toEqual(["running", "running", "not-parked"]);
});
