import { expect, test } from "bun:test";
import { SagaRun } from "./saga-run.ts";

function refused(more = ""): SagaRun {
  const run = new SagaRun(`
defaults: { retry: { attempts: 2 } }
steps:
  - { step: a, command: d.a, with: {}, compensate: d.undo_a }
  - step: pay
    command: d.pay
    with: {}
    compensate:
      - { step: refund, command: e.refund, with: { why: '\${ error.code }', id: '\${ steps.pay.id }' } ${more} }
      - { step: inform, notify: f.inform, with: {} }
      - { step: close, command: g.close, with: {} }
  - { step: c, command: d.c, with: {} }
`).start();
  run.succeed("a");
  run.succeed("pay", { id: 7 });
  run.sent();
  run.reject("c");
  return run;
}

test("a list of steps undoes a step: one after another, in any domain, and what stands below waits for its end", () => {
  const run = refused();
  expect([run.sent(), run.messages.at(-1)?.body]).toEqual([
    ["saga.compensating", "pay/compensate/refund #1"],
    { input: { why: "refused", id: 7 } },
  ]);
  run.succeed("pay/compensate/refund");
  expect(run.sent()).toEqual(["pay/compensate/inform #1", "pay/compensate/close #1"]);
  run.succeed("pay/compensate/close");
  expect([run.sent(), run.steps["pay"]]).toEqual([["undo a #1"], "compensated"]);
  run.compensated("a");
  expect([run.state.status, run.state.uncompensated]).toEqual(["failed", []]);
});

test("a step of the list is retried, then parks; a retry sends it again", () => {
  const run = refused(", retry: { attempts: 2 }");
  run.fail("pay/compensate/refund");
  run.fire("retry:pay/compensate/refund");
  run.sent();
  run.fail("pay/compensate/refund", 2);
  expect([run.state.status, run.state.parked?.step]).toEqual(["parked", "pay/compensate/refund"]);
  run.retry();
  expect([run.state.status, run.sent()]).toEqual(["compensating", ["saga.parked", "pay/compensate/refund #3"]]);
});

test("a rejection in the list parks like a compensation that fails, for its effect is still wanted", () => {
  const run = refused();
  run.reject("pay/compensate/refund");
  expect([run.state.status, run.state.parked?.kind]).toEqual(["parked", "rejected"]);
});

test("a list is run for a step whose end nobody knows", () => {
  const run = new SagaRun(`
steps:
  - step: pay
    command: d.pay
    with: {}
    deadline: 1m
    compensate: [{ step: refund, command: e.refund, with: {} }]
`).start();
  run.guards["pay"] = { state: "unknown" };
  run.fire("deadline:pay");
  expect([run.sent().at(-1), run.state.status]).toEqual(["pay/compensate/refund #1", "compensating"]);
});

test("a list whose step runs at this moment asks the guard again", () => {
  const run = new SagaRun(`
steps:
  - step: pay
    command: d.pay
    with: {}
    compensate: [{ step: refund, command: e.refund, with: {} }]
  - { fail: no }
`).start();
  run.guards["pay"] = { state: "running" };
  run.apply({ type: "step.succeeded", path: "pay", attempt: 1, output: {} });
  expect([run.sent().at(-1), run.dueIn("guard:pay")]).toEqual(["saga.compensating", 1_000]);
  // Whatever comes meanwhile, the guard is asked when its timer says so.
  run.signal("other");
  expect([run.sent(), run.dueIn("guard:pay")]).toEqual([[], 1_000]);
  run.guards["pay"] = { state: "done", output: {} };
  run.fire("guard:pay");
  expect([run.sent(), run.state.timers]).toEqual([["pay/compensate/refund #1"], {}]);
});

test("a step whose guard is closed when its list would begin has nothing to undo", () => {
  const run = new SagaRun(`
steps:
  - step: pay
    command: d.pay
    with: {}
    compensate: [{ step: refund, command: e.refund, with: {} }]
  - { fail: no }
`).start();
  run.apply({ type: "step.succeeded", path: "pay", attempt: 1, output: {} });
  expect([run.sent(), run.state.status, run.steps["pay"]]).toEqual([
    ["pay #1", "saga.compensating", "saga.failed"],
    "failed",
    "closed",
  ]);
});

function optional(): SagaRun {
  const run = new SagaRun(`
steps:
  - { step: a, command: d.a, with: {}, compensate: d.undo_a }
  - step: pay
    command: d.pay
    with: {}
    compensate:
      optional: true
      steps: [{ step: refund, command: e.refund, with: {}, retry: { attempts: 1 } }]
  - { step: c, command: d.c, with: {} }
`).start();
  run.succeed("a");
  run.succeed("pay");
  run.reject("c");
  run.sent();
  return run;
}

test("an optional list that fails is listed, and the saga goes on undoing", () => {
  const failed = optional();
  failed.fail("pay/compensate/refund");
  const rejected = optional();
  rejected.reject("pay/compensate/refund", "gone");
  for (const [run, code] of [
    [failed, "exception"],
    [rejected, "gone"],
  ] as const) {
    expect([run.sent(), run.steps["pay"], run.state.uncompensated]).toEqual([
      ["undo a #1"],
      "kept",
      [{ step: "pay", reason: `its optional compensation failed: ${code}` }],
    ]);
  }
});

test("a cancel while a list runs has no effect, and the steps of a list are not compensated themselves", () => {
  const run = refused();
  expect(run.cancel()).toBe("compensating");
  expect(run.state.stack.map(({ path }) => path)).toEqual(["a", "pay"]);
});

test("a list in a block that catches reads the block's failure", () => {
  const run = new SagaRun(`
steps:
  - step: both
    parallel:
      left:
        - { step: l, command: d.l, with: {}, compensate: [{ step: undo, command: e.undo, with: '\${ error.code }' }] }
        - { step: l2, command: d.l2, with: {} }
      right: []
    catch: { refused: [] }
`).start();
  run.succeed("both/left/l");
  run.reject("both/left/l2");
  expect([run.messages.at(-1)?.body, run.state.status]).toEqual([{ input: "refused" }, "running"]);
  run.succeed("both/left/l/compensate/undo");
  expect(run.state.status).toBe("completed");
});

test("a list that runs because a parent takes its completed child back has no error to read", () => {
  const run = new SagaRun(
    "steps: [{ step: a, command: d.a, with: {}, compensate: [{ step: u, command: e.u, with: { failed: '${ has(error.code) }' } }] }]",
    {},
    { sagaId: "P", path: "kid" },
  ).start();
  run.succeed("a");
  run.sent();
  run.apply({ type: "compensate.requested" });
  expect([run.sent(), run.state.parked?.message]).toEqual([["saga.parked"], expect.stringContaining("error")]);
});

test("a list asks whether its own step's output is known: of a step whose end nobody saw it is not", () => {
  const started = () =>
    new SagaRun(`
steps:
  - step: pay
    command: d.pay
    with: {}
    deadline: 1m
    compensate: [{ step: refund, command: e.refund, with: { id: '\${ has(steps.pay) ? steps.pay.id : 0 }' } }]
  - { step: c, command: d.c, with: {} }
`).start();
  const known = started();
  known.succeed("pay", { id: 7 });
  known.reject("c");
  const unknown = started();
  unknown.guards["pay"] = { state: "unknown" };
  unknown.fire("deadline:pay");
  expect([known, unknown].map((run) => run.messages.at(-1)?.body)).toEqual([
    { input: { id: 7 } },
    { input: { id: 0 } },
  ]);
});

const inTwoRaces = `
steps:
  - parallel:
      left:
        - parallel:
            slow: [{ step: slow, command: d.slow, with: {}, compensate: d.undo_slow }]
            wins: [{ step: wins, command: d.wins, with: {} }]
            loses:
              - step: loses
                command: d.loses
                with: {}
                compensate: { optional: true, steps: [{ step: refund, command: e.refund, with: {}, retry: none }] }
          join: any
      right: [{ step: other, command: d.other, with: {} }]
    join: any
`;

test("an optional list that fails while its closed branch waits for another step is listed at once, and does not begin anew", () => {
  const run = new SagaRun(inTwoRaces).start();
  const [slow, wins, loses, other] = ["slow", "wins", "loses", "other"].map(
    (name) => Object.keys(run.steps).find((path) => path.endsWith(`/${name}`)) as string,
  ) as [string, string, string, string];
  run.guards[slow] = { state: "running" };
  run.guards[loses] = { state: "done", output: {} };
  run.succeed(wins);
  run.succeed(other);
  const refund = Object.keys(run.steps).find((path) => path.endsWith("/refund")) as string;
  expect(run.steps[refund]).toBe("running");
  run.sent();
  run.fail(refund);
  const listed = [{ step: loses, reason: "its optional compensation failed: exception" }];
  expect([run.state.uncompensated, run.steps[loses], run.state.status]).toEqual([listed, "kept", "running"]);
  run.guards[slow] = { state: "done", output: {} };
  run.succeed(slow);
  expect(run.sent()).toEqual([`undo ${slow} #1`]);
  run.compensated(slow);
  expect([run.state.status, run.state.uncompensated]).toEqual([
    "completed",
    [...listed, { step: wins, reason: "the step has no compensation" }],
  ]);
});
