import { expect, test } from "bun:test";
import { SagaRun } from "./saga-run.ts";

function both(more = "", left = "", before = ""): SagaRun {
  const run = new SagaRun(`
steps:
  - { step: a, command: d.a, with: {}, compensate: d.undo_a ${before} }
  - step: both
    parallel:
      left:
        - { step: l1, command: d.l1, with: {}, compensate: d.undo_l1 }
        - { step: l2, command: d.l2, with: {}, compensate: d.undo_l2, retry: { attempts: 1 } ${left} }
      right:
        - { step: r, command: d.r, with: {}, compensate: d.undo_r }
        - { step: r2, command: d.r2, with: {} }
    ${more}
  - { step: b, command: d.b, with: {}, retry: { attempts: 1, then: compensate } }
`).start();
  run.succeed("a");
  run.sent();
  return run;
}

test("the branches run beside one another, and the block ends when all have ended", () => {
  const run = both();
  expect(Object.keys(run.state.timers)).toEqual([]);
  run.succeed("both/right/r");
  run.succeed("both/right/r2");
  run.succeed("both/left/l1");
  expect(run.sent()).toEqual(["both/right/r2 #1", "both/left/l2 #1"]);
  run.succeed("both/left/l2", { n: 1 });
  expect([run.sent(), run.steps["both"], run.state.outputs["l2"]]).toEqual([["b #1"], "succeeded", { n: 1 }]);
});

test("a block is one entry: its branches are undone at the same time, each in reverse, before what stands below", () => {
  const run = both();
  for (const path of ["both/left/l1", "both/right/r", "both/left/l2", "both/right/r2"]) run.succeed(path);
  run.sent();
  run.reject("b");
  expect(run.sent()).toEqual(["saga.compensating", "undo both/left/l2 #1", "undo both/right/r #1"]);
  run.compensated("both/right/r");
  expect(run.sent()).toEqual([]);
  run.compensated("both/left/l2");
  expect(run.sent()).toEqual(["undo both/left/l1 #1"]);
  run.compensated("both/left/l1");
  expect(run.sent()).toEqual(["undo a #1"]);
});

test("a branch that fails stops the others: what was not taken is closed, what runs is awaited, then all is undone", () => {
  const run = both();
  run.succeed("both/left/l1");
  run.guards["both/right/r"] = { state: "running" };
  run.sent();
  run.reject("both/left/l2");
  expect([run.state.status, run.sent(), run.dueIn("guard:both/right/r")]).toEqual(["running", [], 1_000]);
  run.succeed("both/right/r");
  expect([run.sent(), run.state.status, run.state.failure?.step]).toEqual([
    ["saga.compensating", "undo both/right/r #1", "undo both/left/l1 #1"],
    "compensating",
    "both/left/l2",
  ]);
});

test("a command of a closed branch that was not taken is off the stack", () => {
  const run = both();
  run.reject("both/left/l1");
  expect([run.sent(), run.steps["both/right/r"], run.state.stack.map(({ path }) => path)]).toEqual([
    ["saga.compensating", "undo a #1"],
    "failed",
    ["a"],
  ]);
});

test("a block that catches undoes its branches while the saga runs forward, then its catch block runs", () => {
  const run = both("catch: { refused: [{ step: other, command: d.other, with: { why: '${ error.step }' } }] }");
  run.succeed("both/right/r");
  run.sent();
  run.reject("both/left/l1");
  expect([run.state.status, run.sent()]).toEqual(["running", ["undo both/right/r #1"]]);
  run.compensated("both/right/r");
  expect([run.sent(), run.messages.at(-1)?.body]).toEqual([
    ["both/catch/refused/other #1"],
    { input: { why: "both/left/l1" } },
  ]);
  run.succeed("both/catch/refused/other");
  expect(run.sent()).toEqual(["b #1"]);
});

test("a technical failure parks its branch alone; the others run on, and the retry finds the place", () => {
  const run = both();
  run.succeed("both/left/l1");
  run.fail("both/left/l2", 1);
  expect([run.state.status, run.state.parked?.step]).toEqual(["parked", "both/left/l2"]);
  run.sent();
  run.succeed("both/right/r");
  expect([run.state.status, run.sent()]).toEqual(["parked", ["both/right/r2 #1"]]);
  expect([run.retry("both/right/r2"), run.state.status]).toEqual(["not-parked", "parked"]);
  run.retry("both/left/l2");
  expect([run.state.status, run.state.parked, run.sent()]).toEqual(["running", undefined, ["both/left/l2 #2"]]);
});

test("a retry without a step tries all parked places again", () => {
  const run = new SagaRun(`
defaults: { retry: { attempts: 1 } }
steps:
  - parallel:
      left: [{ step: l, command: d.l, with: {} }]
      right: [{ step: r, command: d.r, with: {} }]
`).start();
  run.fail("parallel0/left/l");
  run.fail("parallel0/right/r");
  run.sent();
  run.retry();
  expect([run.sent(), run.state.status]).toEqual([["parallel0/left/l #2", "parallel0/right/r #2"], "running"]);
});

test("a technical failure goes to the catch of the block around its step", () => {
  const run = both("catch: { failed: [] }");
  run.succeed("both/left/l1");
  run.fail("both/left/l2");
  expect([run.state.status, run.steps["both"]]).toEqual(["running", "failed"]);
});

test("retry.then: compensate in a branch fails the block", () => {
  const run = new SagaRun(`
steps:
  - parallel:
      left: [{ step: l, command: d.l, with: {}, retry: { attempts: 1, then: compensate } }]
      right: [{ step: r, wait: go, deadline: 1h }]
`).start();
  run.fail("parallel0/left/l");
  expect([run.state.status, run.state.timers, run.steps["parallel0/right/r"]]).toEqual(["failed", {}, "skipped"]);
});

test("behind the pivot a branch that fails parks and the others run on; nothing is undone", () => {
  const run = both("", "", ", pivot: true");
  run.reject("both/left/l1");
  expect([run.state.status, run.sent()]).toEqual(["parked", ["saga.parked"]]);
  run.succeed("both/right/r");
  run.succeed("both/right/r2");
  expect([run.state.status, run.sent()]).toEqual(["parked", ["both/right/r2 #1"]]);
  run.retry();
  run.succeed("both/left/l1", {}, 2);
  run.succeed("both/left/l2");
  expect([run.state.status, run.sent().at(-1)]).toEqual(["running", "b #1"]);
});

test("the deadline of a block closes it; its catch runs when everything is undone", () => {
  const run = both("deadline: 1h\n    catch: { deadline: [] }");
  run.succeed("both/left/l1");
  run.sent();
  run.fire("deadline:both");
  expect(run.sent()).toEqual(["undo both/left/l1 #1"]);
  run.compensated("both/left/l1");
  expect([run.sent(), run.state.timers]).toEqual([["b #1"], {}]);
});

test("behind the pivot the deadline of a block that catches nothing is only told", () => {
  const run = both("deadline: 1h", "", ", pivot: true");
  run.fire("deadline:both");
  expect([run.state.status, run.sent()]).toEqual(["running", ["saga.overdue"]]);
});

test("the deadline of a block is over with the block", () => {
  const run = both("deadline: 1h");
  for (const path of ["both/left/l1", "both/right/r", "both/left/l2", "both/right/r2"]) run.succeed(path);
  expect(run.state.timers).toEqual({});
});

test("an optional compensation in a branch that is given up is listed, and the rest is undone", () => {
  const run = new SagaRun(`
steps:
  - parallel:
      left:
        - { step: l0, command: d.l0, with: {}, compensate: d.undo_l0 }
        - { step: l, command: d.l, with: {}, compensate: { command: d.undo_l, optional: true, retry: none } }
      right: [{ step: r, command: d.r, with: {} }]
`).start();
  run.succeed("parallel0/left/l0");
  run.succeed("parallel0/left/l");
  run.reject("parallel0/right/r");
  run.guards["parallel0/left/l"] = { state: "done", output: {} };
  run.compensationFails("parallel0/left/l");
  run.compensated("parallel0/left/l0");
  expect([run.state.status, run.state.uncompensated.map(({ step }) => step)]).toEqual(["failed", ["parallel0/left/l"]]);
});

const race = `
defaults: { retry: { attempts: 1 } }
steps:
  - step: offers
    parallel:
      one: [{ step: x, command: d.x, with: {}, compensate: d.undo_x }]
      two:
        - { step: y, command: d.y, with: {}, compensate: d.undo_y }
        - { step: y2, wait: confirmed, deadline: 1d }
    join: any
  - { step: b, command: d.b, with: {} }
`;

test("join any: the first branch that ends wins, the others are closed and undone, then the saga goes on", () => {
  const run = new SagaRun(race).start();
  run.succeed("offers/two/y");
  run.sent();
  run.succeed("offers/one/x");
  expect([run.sent(), run.state.status, run.state.timers, run.state.waitingFor]).toEqual([
    ["undo offers/two/y #1"],
    "running",
    {},
    [],
  ]);
  run.compensated("offers/two/y");
  expect([run.sent(), run.state.stack.map(({ path }) => path)]).toEqual([["b #1"], ["offers/one/x", "b"]]);
});

test("join any: a branch that fails is out of the race and undone, while another may still win", () => {
  const run = new SagaRun(race).start();
  run.succeed("offers/two/y");
  run.fire("deadline:offers/two/y2");
  expect([run.sent().at(-1), run.state.status]).toEqual(["undo offers/two/y #1", "running"]);
  run.succeed("offers/one/x");
  expect(run.sent()).toEqual([]);
  run.compensated("offers/two/y");
  expect(run.sent()).toEqual(["b #1"]);
});

test("join any: when every branch fails the block fails with the last one's failure", () => {
  const run = new SagaRun(race).start();
  run.reject("offers/one/x", "sold_out");
  expect(run.state.status).toBe("running");
  run.reject("offers/two/y", "closed_shop");
  expect([run.state.status, run.state.failure?.code]).toEqual(["failed", "closed_shop"]);
});

test("a cancel ends every branch, and a race whose loser is being undone already", () => {
  const run = new SagaRun(race).start();
  run.succeed("offers/two/y");
  run.succeed("offers/one/x");
  run.sent();
  run.cancel();
  expect([run.sent(), run.state.status]).toEqual([["saga.compensating", "undo offers/one/x #1"], "compensating"]);
  run.compensated("offers/one/x");
  run.compensated("offers/two/y");
  expect(run.state.status).toBe("cancelled");
});

test("two waits for one signal in two branches: the signal is taken once", () => {
  const run = new SagaRun(
    "steps: [{ parallel: { left: [{ step: l, wait: go }], right: [{ step: r, wait: go }] } }]",
  ).start();
  expect(run.state.waitingFor.map(({ path }) => path)).toEqual(["parallel0/left/l", "parallel0/right/r"]);
  run.signal("go", { n: 1 });
  expect([run.state.waitingFor.map(({ path }) => path), run.state.mailbox]).toEqual([["parallel0/right/r"], []]);
});

test("a fail whose message is broken parks in its branch, and is parked no more when the branch is closed", () => {
  const run = new SagaRun(`
steps:
  - parallel:
      left: [{ step: l, fail: { code: no, message: '\${ input.reason }' } }]
      right: [{ step: r, command: d.r, with: {} }]
`).start();
  expect([run.state.status, run.steps["parallel0/left/l"]]).toEqual(["parked", "parked"]);
  run.reject("parallel0/right/r");
  expect([run.state.status, run.state.failure?.code, run.steps["parallel0/left/l"]]).toEqual([
    "failed",
    "refused",
    "skipped",
  ]);
});

test("a cancel while a block is undone for its catch: the catch block does not begin, the rest is undone", () => {
  const run = both("catch: { refused: [{ step: other, command: d.other, with: {} }] }");
  run.succeed("both/right/r");
  run.reject("both/left/l1");
  run.sent();
  run.cancel();
  expect([run.sent(), run.state.status]).toEqual([["saga.compensating"], "compensating"]);
  run.compensated("both/right/r");
  expect(run.sent()).toEqual(["undo a #1"]);
  run.compensated("a");
  expect(run.state.status).toBe("cancelled");
});
