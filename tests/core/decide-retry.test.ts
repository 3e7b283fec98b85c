import { expect, test } from "bun:test";
import { SagaRun } from "./saga-run.ts";

const step = (more: string) => `steps: [{ step: a, command: d.a, with: {}, compensate: d.undo${more} }]`;
const twice = step(", retry: { attempts: 2, backoff: 1s, factor: 3, max: 2s }");

test("a failed attempt is followed by another after its backoff", () => {
  const run = new SagaRun(twice).start();
  run.fail("a");
  expect([run.steps["a"], run.dueIn("retry:a"), run.sent()]).toEqual(["retrying", 1_000, ["a #1"]]);
  run.fire("retry:a");
  expect([run.steps["a"], run.state.timers, run.sent()]).toEqual(["running", {}, ["a #2"]]);
});

test("a timeout is a failure like any other", () => {
  const run = new SagaRun(twice).start();
  run.fail("a", 1, { code: "timeout" });
  run.fire("retry:a");
  expect(run.sent()).toEqual(["a #1", "a #2"]);
});

test("the backoff grows by its factor up to its limit, and jitter only shortens it, always alike", () => {
  const run = new SagaRun(step(", retry: { attempts: forever, backoff: 1s, factor: 3, max: 5s }")).start();
  const delays = [1, 2, 3, 4].map((attempt) => {
    run.fail("a", attempt);
    const delay = run.dueIn("retry:a");
    run.fire("retry:a");
    return delay;
  });
  expect(delays).toEqual([1_000, 3_000, 5_000, 5_000]);
  const spread = () => {
    const jittered = new SagaRun(step(", retry: { backoff: 1s, jitter: 0.5 }")).start();
    jittered.fail("a");
    return jittered.dueIn("retry:a");
  };
  expect(spread()).toBe(spread());
  expect(spread()).toBeGreaterThan(500);
  expect(spread()).toBeLessThan(1_000);
});

test("a technical failure that outlives its retries parks the saga and leaves the guard alone", () => {
  const run = new SagaRun(twice).start();
  run.fail("a");
  run.fire("retry:a");
  run.fail("a", 2);
  const parked = { code: "exception", message: "broken", step: "a", kind: "failed" } as const;
  expect([run.state.status, run.state.parked, run.guards]).toEqual(["parked", parked, {}]);
});

test("a failure that is not retryable, or that is named in never, parks at once", () => {
  const fatal = new SagaRun(twice).start();
  fatal.fail("a", 1, { retryable: false });
  const never = new SagaRun(step(", retry: { never: [gone] }")).start();
  never.fail("a", 1, { code: "gone" });
  expect([fatal.state.status, never.state.status]).toEqual(["parked", "parked"]);
});

test("then: compensate gives the step up and takes it off the stack when its guard is closed", () => {
  const run = new SagaRun(step(", retry: { attempts: 1, then: compensate }")).start();
  run.fail("a");
  expect(run.guards).toEqual({ a: { state: "closed" } });
  expect([run.state.status, run.sent()]).toEqual(["failed", ["a #1", "saga.compensating", "saga.failed"]]);
});

test("a rejection is not retried, and compensates", () => {
  const run = new SagaRun(twice).start();
  run.reject("a");
  expect([run.state.status, run.state.failure?.kind, run.state.stack]).toEqual(["failed", "rejected", []]);
});

test("a rejection named in also is retried, and its guard is taken off", () => {
  const run = new SagaRun(step(", retry: { attempts: 2, also: [busy] }")).start();
  const transition = run.reject("a", "busy");
  expect(transition).toMatchObject({ reopen: ["a"], state: { status: "running" } });
  run.fire("retry:a");
  run.reject("a", "busy", 2);
  expect([run.state.status, run.sent()]).toEqual(["failed", ["a #1", "a #2", "saga.compensating", "saga.failed"]]);
});

test("an operator's retry sends another attempt and counts anew", () => {
  const run = new SagaRun(step(", retry: { attempts: 1 }")).start();
  run.fail("a");
  expect(run.retry("b")).toBe("not-parked");
  run.retry("a");
  expect([run.state.status, run.sent().at(-1)]).toEqual(["running", "a #2"]);
  expect(run.retry()).toBe("not-parked");
  run.fail("a", 2);
  expect(run.state.status).toBe("parked");
});

test("a step that a person tries again, or whose message a person edits, has its deadline anew", () => {
  const tried = new SagaRun(step(", deadline: 1h, retry: { attempts: 1 }")).start();
  tried.fail("a");
  expect(tried.state.timers).toEqual({});
  tried.retry("a");
  expect(tried.dueIn("deadline:a")).toBe(3_600_000);
  tried.fail("a", 2);
  tried.apply({ type: "edit.requested", path: "a", compensation: false, input: { x: 1 }, supersedes: "m" });
  expect([tried.sent().at(-1), tried.dueIn("deadline:a")]).toEqual(["a #3", 3_600_000]);
  tried.fire("deadline:a");
  expect([tried.state.status, tried.state.failure?.code]).toEqual(["failed", "deadline"]);
  // One that is not parked goes on with the time that it has.
  const edited = new SagaRun(step(", deadline: 1h")).start();
  const dueAt = edited.state.timers["deadline:a"];
  edited.now = "2026-01-01T00:30:00.000Z";
  edited.apply({ type: "edit.requested", path: "a", compensation: false, input: { x: 1 }, supersedes: "m" });
  expect(edited.state.timers["deadline:a"]).toBe(dueAt);
});

test("a parked step whose message comes again and is refused for now is retried, with its deadline anew", () => {
  const run = new SagaRun(step(", deadline: 1h, retry: { attempts: 2, also: [busy], never: [exception] }")).start();
  run.fail("a");
  run.reject("a", "busy");
  expect([run.state.status, run.steps["a"], run.dueIn("deadline:a")]).toEqual(["running", "retrying", 3_600_000]);
});

test("a late answer un-parks, and one of an older attempt counts as well", () => {
  const run = new SagaRun(step(", retry: { attempts: 1 }")).start();
  run.fail("a");
  run.succeed("a");
  expect(run.state.status).toBe("completed");
  const older = new SagaRun(twice).start();
  older.fail("a");
  older.fire("retry:a");
  older.succeed("a", {}, 1);
  expect(older.state.status).toBe("completed");
});

test("a failure of an older attempt, or while parked or backing off, moves nothing", () => {
  const run = new SagaRun(twice).start();
  run.fail("a");
  expect(run.fail("a")).toBe("late");
  run.fire("retry:a");
  expect(run.fail("a", 1)).toBe("late");
  run.fail("a", 2);
  expect(run.fail("a", 2)).toBe("late");
});

test("an answer to a settled step is late, and to a finished saga final", () => {
  const run = new SagaRun("steps: [{ step: a, command: d.a, with: {} }, { step: b, command: d.b, with: {} }]").start();
  run.succeed("a");
  expect([run.succeed("a"), run.reject("a"), run.fail("a")]).toEqual(["late", "late", "late"]);
  run.succeed("b");
  expect([run.succeed("b"), run.cancel(), run.signal("x")]).toEqual(["final", "final", "final"]);
});

test("an operator's retry has all attempts of the policy again", () => {
  const run = new SagaRun(twice).start();
  run.fail("a", 1, { retryable: false });
  run.retry();
  expect([run.state.parked, run.state.root.current]).toEqual([
    undefined,
    { kind: "command", phase: "sent", attempt: 2, used: 1, input: {} },
  ]);
  run.fail("a", 2);
  run.fire("retry:a");
  expect(run.sent()).toEqual(["a #1", "saga.parked", "a #2", "a #3"]);
});

test("a late rejection named in also takes a parked saga up again", () => {
  const run = new SagaRun(step(", retry: { attempts: 2, also: [busy] }")).start();
  run.fail("a", 1, { retryable: false });
  run.reject("a", "busy");
  expect([run.state.status, Object.keys(run.state.timers)]).toEqual(["running", ["retry:a"]]);
});
