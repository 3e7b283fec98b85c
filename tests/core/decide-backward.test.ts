import { expect, test } from "bun:test";
import { SagaRun } from "./saga-run.ts";

const three = (undo: string) => `
steps:
  - { step: a, command: d.a, with: { n: 1 }, compensate: d.undo_a }
  - { step: b, command: d.b, with: { n: 2 }, ${undo} }
  - { step: c, command: d.c, with: { n: 3 } }
`;

function refusedAtC(undo = "compensate: d.undo_b"): SagaRun {
  const run = new SagaRun(three(undo)).start();
  run.succeed("a", { id: 1 });
  run.succeed("b", { id: 2 });
  run.sent();
  run.reject("c");
  return run;
}

test("compensations run last in, first out, one at a time, each awaited", () => {
  const run = refusedAtC();
  expect(run.sent()).toEqual(["saga.compensating", "undo b #1"]);
  expect(run.compensated("a")).toBe("late");
  run.compensated("b");
  expect(run.sent()).toEqual(["undo a #1"]);
  run.compensated("a");
  expect([run.state.status, run.sent(), run.steps]).toEqual([
    "failed",
    ["saga.failed"],
    { a: "compensated", b: "compensated", c: "rejected" },
  ]);
});

test("a compensation travels on its step's topic with the step's input and output", () => {
  const message = refusedAtC().messages.at(-1);
  expect(message).toEqual({
    topic: "d.b",
    type: "compensation.requested",
    path: "b",
    action: "undo_b",
    attempt: 1,
    headers: { timeoutMs: 30_000 },
    body: { input: { n: 2 }, compensates: { stepKey: "S/b", input: { n: 2 }, output: { id: 2 } } },
  });
});

test("a compensation with its own input may read earlier outputs and the error", () => {
  const undo = 'compensate: { command: d.undo_b, with: { a: "${ steps.a.id }", why: "${ error.code }" } }';
  expect(refusedAtC(undo).messages.at(-1)?.body).toMatchObject({ input: { a: 1, why: "refused" } });
});

test("a step that had nothing to undo is closed, and the next one is undone", () => {
  const run = refusedAtC();
  run.apply({ type: "compensation.skipped", path: "b", attempt: 1 });
  expect([run.steps["b"], run.sent().at(-1)]).toEqual(["closed", "undo a #1"]);
});

test("a step without a compensation and a notification are listed as uncompensated", () => {
  const yaml = `
steps:
  - { step: plain, command: d.plain, with: {} }
  - { step: note, notify: d.note, with: {} }
  - fail: enough
`;
  const run = new SagaRun(yaml).start();
  run.succeed("plain");
  const uncompensated = [
    { step: "note", reason: "a notification is not taken back" },
    { step: "plain", reason: "the step has no compensation" },
  ];
  expect([run.state.status, run.state.uncompensated]).toEqual(["failed", uncompensated]);
  expect(run.messages.at(-1)?.body).toMatchObject({ error: { code: "enough" }, uncompensated });
});

test("an unknown step is compensated, without an output", () => {
  const yaml =
    "steps: [{ step: x, command: d.x, with: {}, compensate: d.undo, retry: { attempts: 1, then: compensate } }]";
  const run = new SagaRun(yaml).start();
  run.guards["x"] = { state: "unknown" };
  run.fail("x", 1, { unknown: true });
  expect(run.messages.at(-1)?.body).toEqual({ input: {}, compensates: { stepKey: "S/x", input: {} } });
  run.compensated("x");
  expect([run.state.status, run.state.uncompensated]).toEqual(["failed", []]);
});

test("a failed compensation is retried after its backoff, then parks, and those below wait", () => {
  const run = refusedAtC("compensate: { command: d.undo_b, retry: { attempts: 2, backoff: 1s } }");
  run.compensationFails("b");
  expect([run.dueIn("retry:b"), run.compensationFails("b")]).toEqual([1_000, "late"]);
  run.fire("retry:b");
  run.compensationFails("b", 2);
  expect([run.state.status, run.state.parked?.step]).toEqual(["parked", "b"]);
  expect(run.sent()).toEqual(["saga.compensating", "undo b #1", "undo b #2", "saga.parked"]);
});

test("a parked compensation goes on by an operator's retry or by a late answer", () => {
  const parked = () => {
    const run = refusedAtC();
    run.compensationFails("b", 1, false);
    run.sent();
    return run;
  };
  const retried = parked();
  expect(retried.retry("a")).toBe("not-parked");
  retried.retry("b");
  expect([retried.state.status, retried.sent()]).toEqual(["compensating", ["undo b #2"]]);
  const late = parked();
  late.compensated("b");
  expect([late.state.status, late.sent()]).toEqual(["compensating", ["undo a #1"]]);
});

const optional = "compensate: { command: d.undo_b, optional: true, retry: none }";

test("an optional compensation that fails is kept, listed, and passed by", () => {
  const run = refusedAtC(optional);
  run.compensationFails("b");
  const listed = [{ step: "b", reason: "its optional compensation failed: exception" }];
  expect([run.guards["b"], run.steps["b"], run.state.uncompensated]).toEqual([{ state: "kept" }, "kept", listed]);
  expect(run.sent().at(-1)).toBe("undo a #1");
});

test("an optional compensation that took effect after all is not listed", () => {
  const run = refusedAtC(optional);
  run.guards["b"] = { state: "compensated" };
  run.compensationFails("b");
  expect([run.steps["b"], run.state.uncompensated, run.sent().at(-1)]).toEqual(["compensated", [], "undo a #1"]);
});

test("an optional compensation that runs again at this moment is waited for", () => {
  const run = refusedAtC(optional);
  run.guards["b"] = { state: "running" };
  run.compensationFails("b");
  expect([run.dueIn("guard:b"), run.state.uncompensated, run.compensationFails("b")]).toEqual([1_000, [], "late"]);
  run.guards["b"] = { state: "done", output: {} };
  run.fire("guard:b");
  expect([run.guards["b"], run.state.uncompensated.length, run.state.timers]).toEqual([{ state: "kept" }, 1, {}]);
});

test("while it goes backward a cancel is without effect and answers of steps are late", () => {
  const run = refusedAtC();
  expect([run.cancel(), run.succeed("c"), run.retry()]).toEqual(["compensating", "late", "not-parked"]);
});

test("an operator's retry of a compensation has all attempts of its policy again", () => {
  const run = refusedAtC("compensate: { command: d.undo_b, retry: { attempts: 2 } }");
  run.compensationFails("b", 1, false);
  run.retry();
  run.compensationFails("b", 2);
  expect([run.state.status, run.steps["b"], Object.keys(run.state.timers)]).toEqual([
    "compensating",
    "compensating",
    ["retry:b"],
  ]);
  run.compensated("b", 1);
  expect([run.state.timers, run.undoing()]).toEqual([{}, { kind: "command", phase: "sent", attempt: 1, used: 1 }]);
});

test("a failure of a parked compensation is kept and moves nothing, and the state says why it failed", () => {
  const run = refusedAtC();
  run.compensationFails("b", 1, false);
  const failure = { code: "exception", message: "broken", step: "b", kind: "failed" } as const;
  expect(run.compensationFails("b")).toBe("late");
  expect(run.undoing()).toEqual({ kind: "command", phase: "parked", attempt: 1, used: 1, failure });
});
