import { expect, test } from "bun:test";
import { SagaRun } from "./saga-run.ts";

const saga = (pivot = "", after = "") => `
defaults: { retry: { attempts: 1 } }
steps:
  - { step: a, command: d.a, with: {}, compensate: d.undo_a }
  - { step: p, command: d.p, with: {}, pivot: true${pivot} }
  - { step: z, command: d.z, with: {}${after} }
`;

function atPivot(pivot = "", after = ""): SagaRun {
  const run = new SagaRun(saga(pivot, after)).start();
  run.succeed("a");
  run.sent();
  return run;
}

function pastPivot(after = ""): SagaRun {
  const run = atPivot("", after);
  run.succeed("p");
  run.sent();
  return run;
}

test("a pivot that succeeded clears the stack, and nothing is put on it any more", () => {
  const run = pastPivot();
  expect([run.state.pivotPassed, run.state.stack.map(({ path }) => path)]).toEqual([true, []]);
});

test("a rejected pivot goes backward", () => {
  const run = atPivot();
  run.reject("p");
  expect(run.sent()).toEqual(["saga.compensating", "undo a #1"]);
});

test("the guard of a pivot is asked for without settling what has started", () => {
  const run = atPivot(", deadline: 1m, retry: { then: compensate, attempts: 1 }");
  run.guards["p"] = { state: "unknown" };
  const asked = run.asks({
    type: "step.failed",
    path: "p",
    attempt: 1,
    code: "x",
    message: "",
    retryable: true,
    unknown: true,
  });
  expect(asked).toEqual({ kind: "needs", path: "p", keepStarted: true });
  const ordinary = new SagaRun(saga()).start();
  expect(ordinary.asks({ type: "cancel.requested", reason: "" })).toEqual({ kind: "needs", path: "a" });
});

test("a pivot that was not taken when it is given up goes backward as if never sent", () => {
  const run = atPivot(", deadline: 1m");
  run.fire("deadline:p");
  expect(run.sent()).toEqual(["saga.compensating", "undo a #1"]);
});

test("an unknown pivot is never taken back: it parks, and its answer or a retry goes on", () => {
  const unknown = () => {
    const run = atPivot(", deadline: 1m");
    run.guards["p"] = { state: "unknown" };
    run.fire("deadline:p");
    expect([run.state.status, run.state.timers, run.sent()]).toEqual(["parked", {}, ["saga.parked"]]);
    return run;
  };
  const answered = unknown();
  answered.succeed("p");
  expect([answered.state.pivotPassed, answered.sent()]).toEqual([true, ["z #1"]]);
  const retried = unknown();
  retried.retry();
  expect(retried.sent()).toEqual(["p #2"]);
});

test("a pivot that is done, running or unknown cannot be cancelled; one not taken can", () => {
  const states = [{ state: "done", output: {} }, { state: "running" }, { state: "unknown" }] as const;
  for (const guard of states) {
    const run = atPivot();
    run.guards["p"] = guard;
    expect(run.cancel()).toBe("past-pivot");
  }
  const run = atPivot();
  run.cancel();
  expect(run.sent()).toEqual(["saga.compensating", "undo a #1"]);
  expect(pastPivot().cancel()).toBe("past-pivot");
});

test("past the pivot a failure, a rejection, a deadline and a fail park, and nothing is settled", () => {
  const failed = pastPivot();
  failed.fail("z");
  const expired = pastPivot(", deadline: 1m");
  expired.fire("deadline:z");
  const rejected = pastPivot();
  rejected.reject("z");
  const ended = new SagaRun("steps: [{ step: p, command: d.p, with: {}, pivot: true }, { fail: enough }]").start();
  ended.succeed("p");
  for (const run of [failed, expired, rejected, ended]) expect(run.state.status).toBe("parked");
  expect([failed.guards["z"], expired.guards["z"]]).toEqual([undefined, undefined]);
});

test("a deadline past the pivot does not stop a retry from running", () => {
  const run = pastPivot(", deadline: 1m");
  run.fire("deadline:z");
  run.retry();
  expect([run.guards["z"], run.sent()]).toEqual([undefined, ["saga.parked", "z #2"]]);
});

test("a retry of a step that was rejected past the pivot takes the rejection off first", () => {
  const run = pastPivot();
  run.reject("z");
  expect(run.retry()).toMatchObject({ reopen: ["z"] });
});

test("past the pivot a catch still replaces its step", () => {
  const run = pastPivot(", catch: { rejected: [{ step: other, command: d.other, with: {} }] }");
  run.reject("z");
  expect(run.sent()).toEqual(["z/catch/rejected/other #1"]);
});

test("a step given up past the pivot whose business had said no parks with that reason", () => {
  const run = pastPivot(", catch: { failed: [] }");
  run.guards["z"] = { state: "rejected", code: "refused", message: "no" };
  run.fail("z");
  expect([run.state.status, run.state.parked?.code]).toEqual(["parked", "refused"]);
});

test("what was refused while it was given up past the pivot can be retried", () => {
  const run = pastPivot(", deadline: 1m, catch: { failed: [] }");
  run.guards["z"] = { state: "rejected", code: "refused", message: "no" };
  run.fail("z");
  expect([run.state.timers, run.steps["z"], run.fail("z")]).toEqual([{}, "parked", "late"]);
  expect(run.retry("z")).toMatchObject({ reopen: ["z"], state: { status: "running" } });
  expect(run.sent()).toEqual(["saga.parked", "z #2"]);
});
