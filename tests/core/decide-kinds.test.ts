import { expect, test } from "bun:test";
import { violations } from "../../engine/core/shape.ts";
import { SagaRun } from "./saga-run.ts";

test("set writes variables that later expressions read", () => {
  const run = new SagaRun(
    "steps: [{ set: { total: '${ input.a + 1 }' } }, { step: b, command: d.b, with: '${ vars }' }]",
    {
      a: 1,
    },
  ).start();
  expect([run.messages[0]?.body, run.steps["set0"]]).toEqual([{ input: { total: 2 } }, "succeeded"]);
});

test("a variable that is written a second time parks the saga", () => {
  const run = new SagaRun("steps: [{ set: { x: 1 } }, { set: { x: 2 } }]").start();
  expect([run.state.status, run.state.parked?.message, run.state.vars]).toEqual([
    "parked",
    "vars.x is written a second time",
    { x: 1 },
  ]);
});

test("end completes the saga from inside a block, with its own output and its word", () => {
  const run = new SagaRun(`
steps:
  - choose: [{ when: "true", then: [{ end: { outcome: done, output: { n: 7 } } }] }]
  - step: b
    command: d.b
    with: {}
output: { other: 1 }
`).start();
  expect([run.state.status, run.state.output, run.messages.at(-1)?.body]).toEqual([
    "completed",
    { n: 7 },
    { output: { n: 7 }, outcome: "done" },
  ]);
});

test("an end without an output of its own gives that of the saga", () => {
  const run = new SagaRun("steps: [{ end: done }]\noutput: { other: 1 }").start();
  expect([run.state.status, run.state.output]).toEqual(["completed", { other: 1 }]);
});

test("a sleep lasts as long as it says", () => {
  const run = new SagaRun("steps: [{ step: rest, sleep: 10m }, { step: b, command: d.b, with: {} }]").start();
  expect([run.dueIn("sleep:rest"), run.steps["rest"], run.sent()]).toEqual([600_000, "waiting", []]);
  run.fire("sleep:rest");
  expect([run.steps["rest"], run.sent()]).toEqual(["succeeded", ["b #1"]]);
});

const until = "steps: [{ step: rest, sleep: { until: '${ input.at }' } }, { step: b, command: d.b, with: {} }]";

test("a sleep until a time ends then, and one until a time that is past goes on at once", () => {
  const later = new SagaRun(until, { at: "2026-01-02T09:00:00+09:00" }).start();
  expect(later.dueIn("sleep:rest")).toBe(24 * 3_600_000);
  expect(new SagaRun(until, { at: "2025-12-31" }).start().sent()).toEqual(["b #1"]);
});

test("a sleep until something that is no date, or one without a time zone, parks the saga", () => {
  for (const at of ["tomorrow", "2026-01-02T09:00:00", "2026-02-30", 5]) {
    const run = new SagaRun(until, { at }).start();
    expect([run.state.status, run.state.parked?.kind]).toEqual(["parked", "fault"]);
  }
});

test("whatever the shape date accepts, a sleep can last until", () => {
  const shape = { kind: "date", optional: false } as const;
  const times = ["2026-01-02", "2026-01-02T09:00Z", "2026-01-02T09:00:00.5+09:00", "2026-01-02T09:00", "2026-02-30"];
  const accepted = times.filter((at) => violations(shape, at).length === 0);
  const slept = times.filter((at) => new SagaRun(until, { at }).start().state.status === "running");
  expect(slept).toEqual(accepted);
  expect(accepted).toHaveLength(3);
});

test("a sleep ends when the saga is cancelled", () => {
  const run = new SagaRun("steps: [{ step: rest, sleep: 10m }]").start();
  run.cancel();
  expect([run.state.status, run.state.timers, run.steps["rest"]]).toEqual(["cancelled", {}, "skipped"]);
});

const match = "steps: [{ step: w, wait: paid, match: 'signal.order == input.order' }]";

test("a wait takes the oldest unread signal that matches and leaves the others", () => {
  const run = new SagaRun(match, { order: 2 }).start();
  run.signal("paid", { order: 1 }, "m1");
  expect(run.state.waitingFor).toHaveLength(1);
  run.signal("paid", { order: 2 }, "m2");
  expect([run.state.status, run.state.outputs["w"], run.state.mailbox.map(({ messageId }) => messageId)]).toEqual([
    "completed",
    { order: 2 },
    ["m1"],
  ]);
});

test("a payload over which match fails is one that does not match: whoever sends it cannot stop the saga", () => {
  const run = new SagaRun(match, { order: 2 }).start();
  run.signal("paid", {});
  expect([run.state.status, run.state.mailbox.length]).toEqual(["running", 1]);
});

const life =
  "deadline: 1h\nsteps: [{ step: a, command: d.a, with: {}, compensate: d.undo_a, catch: { any: [] } }, { step: p, command: d.p, with: {}, pivot: true }, { step: z, command: d.z, with: {} }]";

test("over its total deadline a saga fails before the pivot, whatever its steps catch", () => {
  const run = new SagaRun(life).start();
  expect(run.dueIn("deadline:")).toBe(3_600_000);
  run.succeed("a");
  run.sent();
  run.fire("deadline:");
  expect([run.state.status, run.state.failure?.code, run.sent(), run.state.timers]).toEqual([
    "compensating",
    "deadline",
    ["saga.compensating", "undo a #1"],
    {},
  ]);
});

test("the total deadline counts from the saga's start, however late its first transition is", () => {
  const run = new SagaRun(life);
  run.now = new Date(Date.parse(run.facts.startedAt) + 4_000_000).toISOString();
  run.start();
  expect(run.dueIn("deadline:")).toBe(-400_000);
});

test("a total deadline that meets a running step is done at its answer", () => {
  const run = new SagaRun(life).start();
  run.guards["a"] = { state: "running" };
  run.fire("deadline:");
  expect([run.state.status, run.state.closing?.code]).toEqual(["running", "deadline"]);
  run.succeed("a");
  expect([run.state.status, run.state.failure?.code]).toEqual(["compensating", "deadline"]);
});

test("while the pivot runs the total deadline waits; behind it there is only a message", () => {
  const run = new SagaRun(life).start();
  run.succeed("a");
  run.guards["p"] = { state: "running" };
  run.fire("deadline:");
  expect([run.state.status, run.dueIn("deadline:")]).toEqual(["running", 1_000]);
  run.succeed("p");
  run.sent();
  run.fire("deadline:");
  expect([run.state.status, run.sent(), run.state.timers]).toEqual(["running", ["saga.overdue"], {}]);
});

test("a state of an earlier version is read as one of this: its compensation and its cancel go on", () => {
  const back = new SagaRun("steps: [{ step: a, command: d.a, with: {}, compensate: d.undo_a }, { fail: no }]").start();
  back.succeed("a");
  const { undo, ...entry } = back.state.stack[0] ?? { path: "", input: null };
  back.state = { ...back.state, stack: [entry], backward: { phase: "sent", attempt: 1, used: 1 } } as never;
  expect(undo).toMatchObject({ attempt: 1 });
  back.compensated("a");
  expect(back.state.status).toBe("failed");

  const cancelled = new SagaRun("steps: [{ step: a, command: d.a, with: {} }]").start();
  cancelled.state = { ...cancelled.state, cancel: { reason: "asked" } } as never;
  cancelled.succeed("a");
  expect([cancelled.state.status, cancelled.state.failure?.message]).toEqual(["cancelled", "asked"]);
});
