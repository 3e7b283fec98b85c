import { expect, test } from "bun:test";
import { SagaRun } from "./saga-run.ts";

const contract = "steps: [{ step: a, command: d.a, with: {}, returns: { id: integer } }]";

test("a result that breaks its contract parks the saga with the place in the file", () => {
  const run = new SagaRun(contract).start();
  run.succeed("a", { id: "one" });
  expect([run.state.status, run.state.parked]).toEqual([
    "parked",
    {
      code: "step.contract",
      message: "the result does not fit returns: /id must be an integer, is another string",
      step: "a",
      kind: "fault",
      line: 3,
      column: 9,
    },
  ]);
});

test("a result that is held is looked at again by a retry, and further answers are late", () => {
  const run = new SagaRun(contract).start();
  run.succeed("a", null);
  expect([run.succeed("a", { id: 1 }), run.fail("a"), run.reject("a")]).toEqual(["late", "late", "late"]);
  run.retry("a");
  expect([run.state.status, run.sent()]).toEqual(["parked", ["a #1", "saga.parked", "saga.parked"]]);
});

const tolerant =
  "steps: [{ step: a, command: d.a, with: {}, retry: { then: compensate }, catch: { any: [], failed: [] } }, { step: z, command: d.z, with: {} }]";

test.each(["step.output", "step.code"])(
  "a handler that returns what breaks its schema (%s) parks the saga with the place in the file: nothing catches it",
  (code) => {
    const run = new SagaRun(tolerant).start();
    run.fail("a", 1, { code, retryable: false });
    const place = { code, message: "broken", step: "a", kind: "fault" as const, line: 3, column: 9 };
    expect([run.state.status, run.state.parked, run.sent()]).toEqual(["parked", place, ["a #1", "saga.parked"]]);
    run.retry("a");
    run.succeed("a", {}, 2);
    expect([run.state.status, run.sent()]).toEqual(["running", ["a #2", "z #1"]]);
  },
);

test("what another failure's code says is no fault: it is caught", () => {
  const run = new SagaRun(tolerant).start();
  run.fail("a", 1, { code: "step.input", retryable: false });
  expect([run.state.status, run.sent()]).toEqual(["running", ["a #1", "z #1"]]);
});

test("a step of a compensating list that breaks its schema is left undone where the list is optional, else it parks", () => {
  const list = (optional: string) =>
    `steps: [{ step: a, command: d.a, with: {}, compensate: { steps: [{ step: b, command: d.b, with: {} }]${optional} } }, { fail: no }]`;
  const ends = [", optional: true", ""].map((optional) => {
    const run = new SagaRun(list(optional)).start();
    run.succeed("a");
    run.fail("a/compensate/b", 1, { code: "step.output", retryable: false });
    return [run.state.status, run.state.uncompensated.length, run.state.parked?.column];
  });
  expect(ends).toEqual([
    ["failed", 1, undefined],
    ["parked", 0, 66],
  ]);
});

test("a compensation that breaks its schema parks with the place of its step, or is left undone where it is optional", () => {
  const ends = [false, true].map((optional) => {
    const undo = `compensate: { command: d.undo, optional: ${optional} }`;
    const run = new SagaRun(`steps: [{ step: a, command: d.a, with: {}, ${undo} }, { fail: no }]`).start();
    run.succeed("a");
    const broken = { code: "step.output", message: "broken", retryable: false };
    run.apply({ type: "compensation.failed", path: "a", attempt: 1, ...broken });
    return [run.state.status, run.state.uncompensated.length, run.state.parked?.column];
  });
  expect(ends).toEqual([
    ["parked", 0, 9],
    ["failed", 1, undefined],
  ]);
});

test("an expression that fails parks the saga where it stands, and a retry enters the step again", () => {
  const run = new SagaRun('steps: [{ step: a, command: d.a, with: { x: "${ input.x }" } }]').start();
  expect([run.state.status, run.state.parked?.code, run.state.parked?.line, run.state.stack]).toEqual([
    "parked",
    "expression.failed",
    3,
    [],
  ]);
  expect(run.retry("b")).toBe("not-parked");
  run.retry("a");
  expect(run.sent()).toEqual(["saga.parked", "saga.parked"]);
});

test("a parked fault can be cancelled", () => {
  const run = new SagaRun('steps: [{ step: a, command: d.a, with: "${ input.x }" }]').start();
  run.cancel();
  expect([run.state.status, run.state.failure?.step]).toEqual(["cancelled", "a"]);
});

test("an output template that fails holds the result", () => {
  const run = new SagaRun('steps: [{ step: a, command: d.a, with: {}, output: "${ result.x }" }]').start();
  run.succeed("a", {});
  expect([run.state.status, run.state.parked?.kind]).toEqual(["parked", "fault"]);
});

test("an output of the saga that fails parks at output, where it can be retried or cancelled", () => {
  const yaml = 'steps: [{ step: a, command: d.a, with: {} }]\noutput: "${ steps.a.x }"';
  const run = new SagaRun(yaml).start();
  run.succeed("a", {});
  expect([run.state.status, run.state.parked?.step, run.retry("a")]).toEqual(["parked", "output", "not-parked"]);
  run.retry("output");
  expect(run.state.status).toBe("parked");
  run.cancel();
  expect([run.state.status, run.state.failure?.step]).toEqual(["cancelled", "output"]);
});

test("a compensation whose input cannot be made parks, and a retry tries again", () => {
  const undo = 'compensate: { command: d.undo, with: "${ input.x }" }';
  const run = new SagaRun(`steps: [{ step: a, command: d.a, with: {}, ${undo} }, { fail: enough }]`).start();
  run.succeed("a");
  expect([run.state.status, run.state.parked?.kind, run.state.parked?.step]).toEqual(["parked", "fault", "a"]);
  run.retry();
  expect(run.sent()).toEqual(["a #1", "saga.compensating", "saga.parked", "saga.parked"]);
});

test("an evaluator that breaks for another reason is not taken for a fault of the saga", () => {
  const run = new SagaRun("steps: [{ choose: input.x, cases: { a: [] } }]", { x: "a" });
  run.breaks = new TypeError("broken evaluator");
  expect(() => run.start()).toThrow("broken evaluator");
});

test("people are told the place of a fault, and no place where there is none", () => {
  const fault = new SagaRun('steps: [{ step: a, command: d.a, with: "${ input.x }" }]').start();
  const failed = new SagaRun("steps: [{ step: a, command: d.a, with: {}, retry: none }]").start();
  failed.fail("a");
  const told = [fault, failed].map((run) =>
    Object.keys((run.messages.at(-1) as unknown as { body: { error: object } }).body.error),
  );
  expect(told).toEqual([
    ["code", "message", "step", "line", "column"],
    ["code", "message", "step"],
  ]);
});

const LARGE = "x".repeat(262_144);

test("a command, and an output, that would be larger than the event store takes parks the saga; nothing is sent", () => {
  const command = new SagaRun("steps: [{ step: a, command: d.a, with: '${ input }' }]", { text: LARGE }).start();
  expect([command.sent(), command.state.stack, command.state.parked]).toEqual([
    ["saga.parked"],
    [],
    {
      code: "message.too-large",
      message: "the command would be 262171 bytes, at most 262144 fit",
      step: "a",
      kind: "fault",
    },
  ]);
  const output = new SagaRun("steps: []\noutput: '${ input }'", { text: LARGE }).start();
  expect([output.state.status, output.state.parked?.code, output.state.output]).toEqual([
    "parked",
    "message.too-large",
    undefined,
  ]);
});

test("a saga that is parked at its own output stays there, whatever comes, until it is tried again", () => {
  const run = new SagaRun("steps: []\noutput: '${ input.n }'").start();
  run.signal("other");
  expect([run.state.status, run.state.parked?.step, run.sent()]).toEqual(["parked", "output", ["saga.parked"]]);
});

test("the row of a `fail` or a `choose` that was parked says so no longer than its saga", () => {
  // A message that cannot be rendered, and a cancel instead of a retry.
  const cancelled = new SagaRun("steps: [{ fail: { code: over, message: '${ input.x.y }' } }]").start();
  expect([cancelled.state.status, cancelled.steps]).toEqual(["parked", { fail0: "parked" }]);
  cancelled.cancel();
  expect([cancelled.state.status, cancelled.steps]).toEqual(["cancelled", { fail0: "skipped" }]);
  // Entered again when the other branch has written what they read.
  const rows = (left: string, value: string) => {
    const set = `[{ wait: go }, { set: { v: ${value} } }]`;
    const run = new SagaRun(`steps: [{ step: b, parallel: { left: [${left}], right: ${set} } }]`).start();
    expect(run.state.status).toBe("parked");
    run.retry();
    run.signal("go");
    expect(run.state.status).toBe("parked");
    run.retry();
    return [run.state.status, Object.entries(run.steps).find(([path]) => path.startsWith("b/left/"))?.[1]];
  };
  expect(rows("{ fail: over, if: vars.v }", "false")).toEqual(["completed", "skipped"]);
  expect(rows("{ fail: over, if: vars.v }", "true")).toEqual(["failed", "failed"]);
  const choose = "{ choose: [{ when: vars.v, then: [{ set: { w: 1 } }] }] }";
  expect(rows(choose, "true")).toEqual(["completed", "succeeded"]);
  expect(rows(choose, "false")).toEqual(["failed", "failed"]);
});

test("what is to be entered again, but whose branch is closed before, is parked no more", () => {
  const run = new SagaRun(`
steps:
  - step: b
    parallel:
      left: [{ fail: over, if: vars.v }]
      mid: [{ step: m, command: d.m, with: { u: '\${ vars.u }' } }]
      right: [{ wait: go }, { set: { v: true, u: 1 } }]
`).start();
  run.signal("go");
  run.retry();
  expect([run.state.status, run.steps["b/mid/m"]]).toEqual(["failed", "skipped"]);
});

test("a `fail` or a `choose` that was never parked has no row", () => {
  const choose = "{ choose: [{ when: 'true', then: [{ set: { w: 1 } }] }] }";
  const run = new SagaRun(`steps: [{ fail: over, if: 'false' }, ${choose}, { fail: over }]`).start();
  expect(Object.keys(run.steps)).toEqual(["choose1/when0/set0"]);
});
