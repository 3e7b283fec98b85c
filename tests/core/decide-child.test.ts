import { expect, test } from "bun:test";
import { childId } from "../../engine/core/child-id.ts";
import { SagaRun } from "./saga-run.ts";

function parent(more = "", before = ""): SagaRun {
  const run = new SagaRun(`
defaults: { retry: { attempts: 1 } }
steps:
  - { step: a, command: d.a, with: {}, compensate: d.undo_a ${before} }
  - { step: kid, saga: transfer, with: { n: 1 }, output: '\${ result.id }' ${more} }
  - { step: b, command: d.b, with: { id: '\${ steps.kid }' } }
`).start();
  run.succeed("a");
  run.sent();
  return run;
}

test("a saga step asks for a child with an id of its own, and goes on with its output", () => {
  const run = parent();
  const id = run.childAt("kid");
  expect(id).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
  expect(run.messages.at(-1)).toEqual({
    topic: "timeline",
    type: "child.requested",
    to: id,
    body: { definition: "transfer", input: { n: 1 }, parent: { sagaId: "S", path: "kid" } },
  });
  run.sent();
  run.childEnded("kid", "completed", { output: { id: 5 } });
  expect([run.sent(), run.messages.at(-1)?.body]).toEqual([["b #1"], { input: { id: 5 } }]);
});

test("a child that failed or was cancelled is a rejection with its code: the parent goes backward", () => {
  const run = parent();
  run.childEnded("kid", "failed", { code: "no_money" });
  expect([run.state.failure?.kind, run.state.failure?.code, run.state.stack.map(({ path }) => path)]).toEqual([
    "rejected",
    "no_money",
    ["a"],
  ]);
});

test("the failure of a child can be caught", () => {
  const run = parent(", catch: { no_money: [] }");
  run.sent();
  const id = run.childAt("kid");
  run.childEnded("kid", "failed", { code: "no_money" });
  expect([run.state.status, run.state.parked?.kind]).toEqual(["parked", "fault"]);
  expect(
    run.apply({
      type: "child.ended",
      path: "kid",
      child: id,
      status: "completed",
      code: "",
      message: "",
      output: null,
      pivotPassed: false,
      uncompensated: false,
    }),
  ).toBe("late");
});

test("what a child could not take back its parent lists", () => {
  const run = parent();
  run.childEnded("kid", "failed", { code: "x", uncompensated: true });
  expect(run.state.uncompensated.map(({ step }) => step)).toEqual(["kid"]);
});

test("a terminated child parks its parent; a retry begins another child and lists the first", () => {
  const run = parent();
  const first = run.childAt("kid");
  run.childEnded("kid", "terminated");
  expect([run.state.status, run.state.parked?.code]).toEqual(["parked", "child.terminated"]);
  run.retry("kid");
  expect([run.state.status, run.childAt("kid") === first, run.state.uncompensated.map(({ step }) => step)]).toEqual([
    "running",
    false,
    ["kid"],
  ]);
});

test("a parent that is cancelled cancels its open child and goes backward at its end", () => {
  const run = parent();
  run.sent();
  run.cancel();
  expect([run.sent(), run.state.status, run.messages.at(-1)?.to]).toEqual([
    ["cancel.requested"],
    "running",
    run.childAt("kid"),
  ]);
  run.childEnded("kid", "cancelled", { code: "cancelled" });
  expect([run.sent(), run.state.status]).toEqual([["saga.compensating", "undo a #1"], "compensating"]);
});

test("a child that completes although it was asked to cancel is taken back by its own stack", () => {
  const run = parent();
  run.cancel();
  run.sent();
  run.childEnded("kid", "completed");
  expect([run.sent(), run.messages.at(-1)?.type]).toEqual([
    ["saga.compensating", "compensate.requested"],
    "compensate.requested",
  ]);
  run.apply({ type: "child.compensated", path: "kid", uncompensated: false });
  expect([run.sent(), run.steps["kid"]]).toEqual([["undo a #1"], "compensated"]);
  expect(run.apply({ type: "child.compensated", path: "kid", uncompensated: false })).toBe("late");
});

test("a child past its own pivot is undone by the step's compensate, with the child's input if it names none", () => {
  const run = parent(", compensate: e.reverse");
  run.childEnded("kid", "completed", { output: { id: 5 }, pivotPassed: true });
  run.sent();
  run.reject("b");
  expect([run.sent(), run.messages.at(-1)?.body]).toEqual([
    ["saga.compensating", "kid/compensate/undo #1"],
    { input: { n: 1 } },
  ]);
  run.succeed("kid/compensate/undo");
  expect(run.sent()).toEqual(["undo a #1"]);
});

test("a child past its pivot without a compensate on its step is listed", () => {
  const run = parent();
  run.childEnded("kid", "completed", { output: { id: 5 }, pivotPassed: true });
  run.reject("b");
  expect(run.state.uncompensated).toEqual([{ step: "kid", reason: "the step has no compensation" }]);
});

test("over its deadline a child is asked to cancel, and its end is the deadline's failure", () => {
  const run = parent(", deadline: 1h, catch: { deadline: [{ fail: late }] }");
  run.fire("deadline:kid");
  expect([run.messages.at(-1)?.type, run.state.timers]).toEqual(["cancel.requested", {}]);
  run.childEnded("kid", "cancelled", { code: "cancelled" });
  expect(run.state.failure?.code).toBe("late");
});

test("behind the pivot a late child parks its parent and is still awaited", () => {
  const run = parent(", deadline: 1h", ", pivot: true");
  const id = (run.messages.at(-1)?.to ?? "") as string;
  run.fire("deadline:kid");
  expect([run.state.status, run.state.parked?.code]).toEqual(["parked", "deadline"]);
  run.retry("kid");
  expect([run.state.status, run.dueIn("deadline:kid")]).toEqual(["running", 3_600_000]);
  run.sent();
  const ended = { type: "child.ended", path: "kid", child: id, code: "", message: "", pivotPassed: false } as const;
  run.apply({ ...ended, status: "completed", output: { id: 5 }, uncompensated: false });
  expect(run.sent()).toEqual(["child.released", "b #1"]);
});

test("a child whose result breaks the output parks, and can be cancelled with its stack", () => {
  const run = parent();
  run.childEnded("kid", "completed", { output: {} });
  expect([run.state.status, run.state.parked?.kind, run.retry("kid")]).toMatchObject(["parked", "fault", {}]);
  run.sent();
  run.cancel();
  expect(run.sent()).toEqual(["saga.compensating", "compensate.requested"]);
});

test("the pivot, and the end of the root, tell the completed children that nobody takes them back", () => {
  const run = parent();
  run.childEnded("kid", "completed", { output: { id: 5 } });
  run.sent();
  run.succeed("b");
  expect([run.sent(), run.state.stack]).toEqual([["saga.completed", "child.released"], []]);
});

test("a completed child past its own pivot keeps nothing for its parent, so nobody tells it to forget", () => {
  const run = parent();
  run.childEnded("kid", "completed", { output: { id: 5 }, pivotPassed: true });
  run.sent();
  run.succeed("b");
  expect(run.sent()).toEqual(["saga.completed"]);
});

const asChild = { sagaId: "P", path: "kid" };
const steps = "steps: [{ step: a, command: d.a, with: {}, compensate: { command: d.undo_a, retry: none } }]";

test("a child tells its end, keeps its stack, and undoes it when its parent asks: its status stays", () => {
  const run = new SagaRun(steps, {}, asChild).start();
  run.succeed("a");
  expect([run.sent(), run.messages.at(-1)]).toMatchObject([
    ["a #1", "saga.completed", "child.ended"],
    { to: "P", body: { path: "kid", child: "S", status: "completed", pivotPassed: false } },
  ]);
  expect(run.cancel()).toBe("final");
  run.apply({ type: "compensate.requested" });
  expect([run.sent(), run.state.status]).toEqual([["undo a #1"], "completed"]);
  expect(run.apply({ type: "compensate.requested" })).toBe("late");
  run.compensationFails("a");
  expect([run.state.status, run.state.parked?.step]).toEqual(["completed", "a"]);
  run.retry();
  run.compensated("a", 2);
  expect([run.sent().at(-1), run.messages.at(-1)?.to, run.state.stack]).toEqual(["child.compensated", "P", []]);
  expect(run.apply({ type: "child.released" })).toBe("final");
});

test("a released child forgets its stack and releases its own children", () => {
  const run = new SagaRun("steps: [{ step: kid, saga: other, with: {} }]", {}, asChild).start();
  run.childEnded("kid", "completed");
  expect(run.state.stack).toHaveLength(1);
  run.sent();
  run.apply({ type: "child.released" });
  expect([run.sent(), run.state.stack]).toEqual([["child.released"], []]);
  expect(run.apply({ type: "compensate.requested" })).toBe("final");
});

test("a saga without a parent is final when it has completed, whoever asks", () => {
  const run = new SagaRun(steps).start();
  run.succeed("a");
  expect([run.apply({ type: "compensate.requested" }), run.apply({ type: "child.released" })]).toEqual([
    "final",
    "final",
  ]);
});

test("a child that failed tells its code", () => {
  const run = new SagaRun("steps: [{ fail: no_money }]", {}, asChild).start();
  expect(run.messages.at(-1)).toMatchObject({ type: "child.ended", body: { status: "failed", code: "no_money" } });
});

test("the id of a child is a ULID of the time and the step, different for every step and attempt", () => {
  const now = "2026-01-01T00:00:00.000Z";
  const ids = Array.from({ length: 2_000 }, (_one, index) => childId(now, `S/each[${index}]/kid#1`));
  expect(new Set(ids.map((id) => id.slice(10))).size).toBe(2_000);
  expect([childId(now, "x"), ids[0]?.slice(0, 10)]).toEqual([childId(now, "x"), "01KDVDNA00"]);
});

test("a saga that is parked at a terminated child can be cancelled: the child is listed, the rest is undone", () => {
  const run = parent();
  run.childEnded("kid", "terminated");
  run.sent();
  run.cancel();
  expect([run.sent(), run.state.uncompensated]).toEqual([
    ["saga.compensating", "undo a #1"],
    [{ step: "kid", reason: "its child saga was terminated" }],
  ]);
  run.compensated("a");
  expect(run.state.status).toBe("cancelled");
});

test("an open child in a branch that is closed is cancelled and awaited before anything is undone", () => {
  const run = new SagaRun(`
steps:
  - parallel:
      left: [{ step: kid, saga: transfer, with: {} }]
      right:
        - { step: r0, command: d.r0, with: {}, compensate: d.undo_r0 }
        - { step: r, command: d.r, with: {} }
`).start();
  run.succeed("parallel0/right/r0");
  run.sent();
  run.reject("parallel0/right/r");
  expect([run.sent(), run.state.status]).toEqual([["cancel.requested"], "running"]);
  run.childEnded("parallel0/left/kid", "terminated");
  expect([run.sent(), run.state.uncompensated.map(({ step }) => step)]).toEqual([
    ["saga.compensating", "undo parallel0/right/r0 #1"],
    ["parallel0/left/kid"],
  ]);
});

test("behind the pivot a child past its own pivot has nothing to forget, and a terminated one is begun anew by a retry", () => {
  const run = parent("", ", pivot: true");
  const id = (run.messages.at(-1)?.to ?? "") as string;
  const ended = {
    type: "child.ended",
    path: "kid",
    child: id,
    code: "",
    output: { id: 5 },
    uncompensated: false,
  } as const;
  run.apply({ ...ended, status: "terminated", message: "by a person", pivotPassed: false });
  expect(run.state.parked).toMatchObject({ code: "child.terminated", message: "by a person" });
  run.sent();
  run.retry("kid");
  const listed = [{ step: "kid", reason: "its child saga was terminated" }];
  expect([run.sent(), run.state.uncompensated]).toEqual([["child.requested"], listed]);
  const second = (run.messages.at(-1)?.to ?? "") as string;
  run.apply({ ...ended, child: second, status: "completed", message: "", pivotPassed: true });
  expect([second === id, run.sent()]).toEqual([false, ["b #1"]]);
});

test("behind the pivot a terminated child that is skipped is listed, and one that failed is not", () => {
  const listed = (["terminated", "failed"] as const).map((status) => {
    const run = parent("", ", pivot: true");
    const child = run.messages.at(-1)?.to ?? "";
    const ended = { code: "child.terminated", message: "", output: null, pivotPassed: false, uncompensated: false };
    run.apply({ type: "child.ended", path: "kid", child, status, ...ended });
    run.skip("kid");
    return run.state.uncompensated;
  });
  expect(listed).toEqual([[{ step: "kid", reason: "its child saga was terminated" }], []]);
});

test("what a completed child could not take back is listed by its parent", () => {
  const run = parent();
  run.childEnded("kid", "completed", { output: { id: 5 } });
  run.reject("b");
  run.apply({ type: "child.compensated", path: "kid", uncompensated: true });
  expect(run.state.uncompensated).toEqual([
    { step: "kid", reason: "its child saga lists steps that were not compensated" },
  ]);
});

test("what a child that has completed lists its parent lists, once, whatever becomes of it later", () => {
  const listed = [{ step: "kid", reason: "its child saga lists steps that were not compensated" }];
  const run = parent();
  run.childEnded("kid", "completed", { output: { id: 5 }, uncompensated: true });
  expect(run.state.uncompensated).toEqual(listed);
  run.reject("b");
  run.apply({ type: "child.compensated", path: "kid", uncompensated: true });
  expect(run.state.uncompensated).toEqual(listed);
  // So is what the child has left that a person's retry begins in its place.
  const again = new SagaRun(
    "steps: [{ step: a, command: d.a, with: {}, pivot: true }, { step: kid, saga: k, with: {} }]",
  ).start();
  again.succeed("a");
  const ends = { path: "kid", code: "no", message: "", output: null, pivotPassed: false, uncompensated: true };
  const kid = (attempt: number) => childId("2026-01-01T00:00:00.000Z", `S/kid#${attempt}`);
  again.apply({ type: "child.ended", child: kid(1), status: "failed", ...ends });
  again.retry();
  again.apply({ type: "child.ended", child: kid(2), status: "completed", ...ends });
  expect([again.state.status, again.state.uncompensated]).toEqual(["completed", listed]);
  // Past its own pivot it is undone by the step's compensate, which knows nothing of what the child has left.
  const past = new SagaRun(`
defaults: { retry: none }
steps:
  - { step: kid, saga: other, with: {}, compensate: { command: e.reverse, with: {} } }
  - { step: b, command: d.b, with: {} }
`).start();
  past.childEnded("kid", "completed", { pivotPassed: true, uncompensated: true });
  past.reject("b");
  past.succeed("kid/compensate/undo");
  expect([past.state.status, past.state.uncompensated]).toEqual(["failed", listed]);
});

const PARKED_CHILD = `
defaults: { retry: none }
steps:
  - { step: p, command: d.p, with: {}, pivot: true }
  - step: both
    parallel:
      left: [{ step: kid, saga: other, with: {}, deadline: 1m }]
      right: [{ step: r, command: d.r, with: {} }]
    catch: { refused: [] }
`;

test("a child that a person was to look at is parked no more when its branch is closed", () => {
  const run = new SagaRun(PARKED_CHILD).start();
  run.succeed("p");
  run.fire("deadline:both/left/kid");
  expect([run.state.status, run.steps["both/left/kid"]]).toEqual(["parked", "parked"]);
  run.sent();
  run.reject("both/right/r");
  expect([run.sent(), run.state.status, run.steps["both/left/kid"]]).toEqual([
    ["cancel.requested"],
    "running",
    "running",
  ]);
});

test("a child that is being taken back is not released any more", () => {
  const run = new SagaRun(steps, {}, asChild).start();
  run.succeed("a");
  run.apply({ type: "compensate.requested" });
  expect([run.apply({ type: "child.released" }), run.state.stack]).toMatchObject(["late", [{ path: "a" }]]);
});
