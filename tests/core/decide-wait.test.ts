import { expect, test } from "bun:test";
import { SagaRun } from "./saga-run.ts";

const review = (more = "") => `
steps:
  - { step: a, command: d.a, with: {}, compensate: d.undo }
  - { step: review, wait: reviewed, deadline: 3d${more} }
  - { step: b, command: d.b, with: "\${ steps.review }" }
`;

function waiting(more = ""): SagaRun {
  const run = new SagaRun(review(more)).start();
  run.succeed("a");
  run.sent();
  return run;
}

test("a wait says what it waits for and until when", () => {
  const run = waiting();
  const deadlineAt = "2026-01-04T00:00:00.000Z";
  expect([run.state.waitingFor, run.steps["review"]]).toEqual([
    [{ signal: "reviewed", path: "review", deadlineAt }],
    "waiting",
  ]);
});

test("a signal is taken at once by the wait that stands there", () => {
  const run = waiting();
  expect(run.signal("reviewed", { by: "R" }, "m7")).toMatchObject({ taken: { m7: "review" } });
  expect([run.messages.at(-1)?.body, run.state.timers, run.state.mailbox]).toEqual([{ input: { by: "R" } }, {}, []]);
});

test("a signal keeps only what the wait's output names", () => {
  const run = waiting(', output: { who: "${ result.by }" }');
  run.signal("reviewed", { by: "R", note: "x" });
  expect(run.state.outputs["review"]).toEqual({ who: "R" });
});

test("a wait's output reads the payload as signal too, as its match does", () => {
  const run = waiting(', output: { who: "${ signal.by }" }');
  run.signal("reviewed", { by: "R" });
  expect([run.state.status, run.state.outputs["review"]]).toEqual(["running", { who: "R" }]);
});

test("signals that come early wait in the mailbox, and the oldest that matches is taken", () => {
  const run = new SagaRun(review()).start();
  run.signal("other", {}, "m0");
  run.signal("reviewed", { n: 1 }, "m1");
  run.signal("reviewed", { n: 2 }, "m2");
  expect(run.succeed("a")).toMatchObject({ taken: { m1: "review" } });
  expect([run.state.outputs["review"], run.state.mailbox.map((mail) => mail.messageId)]).toEqual([
    { n: 1 },
    ["m0", "m2"],
  ]);
});

test("another signal leaves the wait waiting", () => {
  const run = waiting();
  run.signal("other");
  expect([run.state.waitingFor.length, run.sent()]).toEqual([1, []]);
});

test("a signal that comes while the saga goes backward is kept and moves nothing", () => {
  const run = waiting();
  run.fire("deadline:review");
  run.signal("reviewed");
  expect([run.state.status, run.state.mailbox.length]).toEqual(["compensating", 1]);
});

test("an uncaught deadline of a wait goes backward", () => {
  const run = waiting();
  run.fire("deadline:review");
  expect([run.state.failure?.code, run.sent()]).toEqual(["deadline", ["saga.compensating", "undo a #1"]]);
});

test("a caught deadline of a wait goes on", () => {
  const run = waiting(", catch: { deadline: [{ step: remind, command: d.remind, with: {} }] }");
  run.fire("deadline:review");
  expect([run.sent(), run.state.waitingFor]).toEqual([["review/catch/deadline/remind #1"], []]);
});

test("of a signal and a deadline the first wins and the other changes nothing", () => {
  const run = waiting();
  const dueAt = run.state.timers["deadline:review"] ?? "";
  run.signal("reviewed");
  expect(run.apply({ type: "timer.fired", timer: "deadline:review", dueAt })).toBe("stale");
});

test("past the pivot a wait that expires parks, and a retry waits anew", () => {
  const yaml = "steps: [{ step: p, command: d.p, with: {}, pivot: true }, { step: w, wait: go, deadline: 1m }]";
  const run = new SagaRun(yaml).start();
  run.succeed("p");
  run.fire("deadline:w");
  expect([run.state.status, run.state.parked?.kind]).toEqual(["parked", "deadline"]);
  run.retry("w");
  expect([run.state.status, run.dueIn("deadline:w"), run.state.waitingFor.length]).toEqual(["running", 60_000, 1]);
});

test("a signal that the wait's output cannot read parks the saga, and no timer is left behind", () => {
  const run = waiting(', output: { who: "${ result.by }" }');
  run.signal("reviewed", {});
  expect([run.state.status, run.state.parked?.kind, run.state.timers]).toEqual(["parked", "fault", {}]);
  run.retry();
  expect(run.state.status).toBe("parked");
});

test("a wait that expires is shown as failed", () => {
  const run = waiting(", catch: { deadline: [] }");
  run.fire("deadline:review");
  expect(run.steps["review"]).toBe("failed");
});

test("a payload that does not fit returns is not taken; one that fits is", () => {
  const run = waiting(", returns: { by: string }");
  run.signal("reviewed", { by: 1 }, "m1");
  run.signal("reviewed", { by: "R" }, "m2");
  expect([run.state.outputs["review"], run.state.mailbox.map(({ messageId }) => messageId)]).toEqual([
    { by: "R" },
    ["m1"],
  ]);
});

test("a match that fails on a payload leaves it unread, but a fault of the engine itself is never taken for one", () => {
  const run = waiting(", match: signal.a.b == 1");
  run.signal("reviewed", {}, "m1");
  expect([run.state.status, run.state.mailbox]).toMatchObject(["running", [{ messageId: "m1" }]]);
  run.breaks = new Error("out of memory");
  expect(() => run.signal("reviewed", {}, "m2")).toThrow("out of memory");
});
