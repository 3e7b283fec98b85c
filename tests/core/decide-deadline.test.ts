import { expect, test } from "bun:test";
import { SagaRun } from "./saga-run.ts";

const late = (more = "") => `steps: [{ step: a, command: d.a, with: {}, compensate: d.undo, deadline: 1m${more} }]`;

test("a deadline is set when the step is entered and cleared by its answer", () => {
  const run = new SagaRun(late()).start();
  expect(run.dueIn("deadline:a")).toBe(60_000);
  run.succeed("a");
  expect(run.state.timers).toEqual({});
});

test("a step that nobody has taken is closed at its deadline, and the saga goes backward", () => {
  const run = new SagaRun(late()).start();
  run.fire("deadline:a");
  expect([run.guards, run.state.status, run.state.failure?.kind]).toEqual([
    { a: { state: "closed" } },
    "failed",
    "deadline",
  ]);
});

test("a step that runs at its deadline gets a moment more", () => {
  const run = new SagaRun(late()).start();
  run.guards["a"] = { state: "running" };
  run.fire("deadline:a");
  expect([run.state.status, run.dueIn("deadline:a")]).toEqual(["running", 1_000]);
  run.succeed("a");
  expect(run.state.status).toBe("completed");
});

test("a step that is done at its deadline is adopted, before its answer has arrived", () => {
  const run = new SagaRun(late()).start();
  run.guards["a"] = { state: "done", output: { id: 1 } };
  run.fire("deadline:a");
  expect([run.state.status, run.state.outputs, run.succeed("a")]).toEqual(["completed", { a: { id: 1 } }, "final"]);
});

test("a deadline ends a backoff", () => {
  const run = new SagaRun(late()).start();
  run.fail("a");
  run.fire("deadline:a");
  expect([run.state.status, run.state.timers]).toEqual(["failed", {}]);
});

test("a deadline can be caught", () => {
  const run = new SagaRun(late(", catch: { deadline: [] }")).start();
  run.fire("deadline:a");
  expect(run.state.status).toBe("completed");
});

test("a parked step has no deadline any more", () => {
  const run = new SagaRun(late(", retry: none")).start();
  run.fail("a");
  expect([run.state.status, run.state.timers]).toEqual(["parked", {}]);
});

test("a timer that is not set, or for another time, is stale", () => {
  const run = new SagaRun(late()).start();
  expect(run.apply({ type: "timer.fired", timer: "deadline:a", dueAt: "2020-01-01T00:00:00.000Z" })).toBe("stale");
  expect(run.apply({ type: "timer.fired", timer: "retry:a", dueAt: run.now })).toBe("stale");
});

test("a timer that no state of the saga wants is stale, whatever its name", () => {
  const run = new SagaRun(late()).start();
  for (const timer of ["retry:a", "guard:a", "deadline:b", "odd:a", "guard:b"]) {
    run.state.timers[timer] = run.now;
    expect(run.apply({ type: "timer.fired", timer, dueAt: run.now })).toBe("stale");
  }
});

test("the deadline of a block in which a branch has failed already is stale: that failure is the reason", () => {
  const run = new SagaRun(`
steps:
  - step: both
    deadline: 1h
    parallel:
      left: [{ step: l, command: d.l, with: {} }]
      right: [{ step: r, command: d.r, with: {} }]
`).start();
  run.guards["both/right/r"] = { state: "running" };
  run.reject("both/left/l");
  expect(run.fire("deadline:both")).toBe("stale");
  run.succeed("both/right/r");
  expect([run.state.status, run.state.failure?.code]).toEqual(["failed", "refused"]);
});
