import { expect, test } from "bun:test";
import { childId } from "../../engine/core/child-id.ts";
import { SEMANTICS, SEMANTICS_OLDEST } from "../../engine/core/semantics.ts";
import { createEvaluator } from "../../engine/definition/expression.ts";
import { fold, type MovingEvent } from "../../engine/recovery/fold.ts";
import { define } from "./explorer/model.ts";

const STARTED = "2026-01-01T00:00:00.000Z";
const FACTS = { id: "S", key: null, version: 1, startedAt: STARTED, input: {} };
const evaluator = createEvaluator();

/** Transitions as they are read from the event store; each one second after the one before. */
function recorded(semantics: number | null, ...events: readonly Partial<MovingEvent>[]): MovingEvent[] {
  return events.map((event, index) => ({
    message_id: `M${index}`,
    correlation_id: "S",
    topic: "timeline",
    message_key: "S",
    message_type: "saga.started",
    saga: "test",
    step_key: null,
    attempt: null,
    traceparent: null,
    message_body: {},
    sequence: index + 1,
    semantics,
    read: {
      now: new Date(Date.parse(STARTED) + (index + 4) * 1_000).toISOString(),
      guards: { a: { state: "closed" } },
    },
    ...event,
  }));
}

function statusOf(yaml: string, events: readonly MovingEvent[]) {
  const result = fold(define(`saga: test\nversion: 1\n${yaml}`), FACTS, events, evaluator);
  return result.kind === "folded" ? result.folded.state : result;
}

const BROKEN = {
  message_type: "step.failed",
  step_key: "S/a",
  attempt: 1,
  message_body: { code: "step.output", message: "broken", retryable: false },
};

test("a broken output that was caught before it became a fault is folded as it was, by the version of its transition", () => {
  const yaml = "steps: [{ step: a, command: d.a, with: {}, catch: { any: [] } }]";
  const folded = [SEMANTICS_OLDEST, SEMANTICS].map((version) => statusOf(yaml, recorded(version, {}, BROKEN)));
  expect(folded).toMatchObject([{ status: "completed" }, { status: "parked", parked: { line: 3, column: 9 } }]);
});

test("a total deadline that counted from its transition, and not from the start, is folded as it was set", () => {
  const yaml = "deadline: 1h\nsteps: [{ step: a, wait: x }]";
  const folded = [SEMANTICS_OLDEST, SEMANTICS].map((version) => statusOf(yaml, recorded(version, {})));
  expect(folded).toMatchObject([
    { timers: { "deadline:": "2026-01-01T01:00:04.000Z" } },
    { timers: { "deadline:": "2026-01-01T01:00:00.000Z" } },
  ]);
});

const FAILED = {
  message_type: "step.failed",
  step_key: "S/a",
  attempt: 1,
  message_body: { code: "x", retryable: false },
};

/** What a fold makes of the saga and of the row of one step, by the version before and by this one. */
function bothOf(yaml: string, path: string, ...events: readonly Partial<MovingEvent>[]) {
  return [3, SEMANTICS].map((version) => {
    const result = fold(define(`saga: test\nversion: 1\n${yaml}`), FACTS, recorded(version, ...events), evaluator);
    if (result.kind !== "folded") return result;
    const { state, steps } = result.folded;
    return [state?.status, steps.rows.get(path)?.status];
  });
}

test("a person's word that did not count in its own transition is folded as it was", () => {
  const undo = "compensate: [{ step: back, command: e.back, with: {} }]";
  const yaml = `steps: [{ step: a, command: d.a, with: {}, ${undo} }, { fail: over }]`;
  const resolved = { message_type: "resolve.requested", message_body: { step: "a", result: {} } };
  expect(bothOf(yaml, "a", {}, FAILED, resolved)).toEqual([
    ["failed", "closed"],
    ["compensating", "compensating"],
  ]);
});

test("a row that went on saying parked after a cancel is folded as it was", () => {
  const cancel = { message_type: "cancel.requested" };
  const output = "steps: []\noutput: { first: '${ input.list }' }";
  expect(bothOf(output, "output", {}, cancel)).toEqual([
    ["cancelled", "parked"],
    ["cancelled", "closed"],
  ]);
  const running = { ...cancel, read: { now: STARTED, guards: { a: { state: "running" as const } } } };
  expect(bothOf("steps: [{ step: a, command: d.a, with: {} }]", "a", {}, FAILED, running)).toEqual([
    ["running", "parked"],
    ["running", "running"],
  ]);
  const undo = "steps: [{ step: a, command: d.a, with: {}, compensate: d.undo }, { fail: over }]";
  const done = { ...FAILED, message_type: "step.succeeded", message_body: {} };
  const undoFails = { ...FAILED, message_type: "compensation.failed" };
  const terminate = { ...running, message_type: "terminate.requested" };
  expect(bothOf(undo, "a", {}, done, undoFails, terminate)).toEqual([
    ["terminated", "parked"],
    ["terminated", "compensating"],
  ]);
  const branches =
    "left: [{ step: kid, saga: other, with: {}, deadline: 1m }], right: [{ step: r, command: d.r, with: {} }]";
  const block = `{ step: b, parallel: { ${branches} }, catch: { no: [] } }`;
  const late = {
    message_type: "timer.fired",
    message_body: { timer: "deadline:b/left/kid", dueAt: "2026-01-01T00:01:05.000Z" },
  };
  const refused = {
    message_type: "step.rejected",
    step_key: "S/b/right/r",
    attempt: 1,
    message_body: { code: "no" },
    read: { now: STARTED, guards: { "b/right/r": { state: "rejected" as const, code: "no", message: "" } } },
  };
  const yaml = `steps: [{ step: a, command: d.a, with: {}, pivot: true }, ${block}]`;
  expect(bothOf(yaml, "b/left/kid", {}, done, late, refused)).toEqual([
    ["running", "parked"],
    ["running", "running"],
  ]);
});

test("the row of what was parked and was entered again, or closed, is folded as it was", () => {
  const branches = "{ left: [{ fail: over, if: vars.v }], right: [{ wait: go }, { set: { v: false } }] }";
  const yaml = `steps: [{ step: b, parallel: ${branches} }]`;
  const signal = { message_type: "signal.received", message_body: { signal: "go", payload: {} } };
  const retry = { message_type: "retry.requested", message_body: {} };
  expect(bothOf(yaml, "b/left/fail0", {}, signal, retry)).toEqual([
    ["completed", "parked"],
    ["completed", "skipped"],
  ]);
  expect(bothOf(yaml, "b/left/fail0", {}, { message_type: "cancel.requested" })).toEqual([
    ["cancelled", "parked"],
    ["cancelled", "skipped"],
  ]);
});

test("a saga that was terminated at its output and stood as parked while something of it ran is folded as it was", () => {
  const running = { now: STARTED, guards: { "": { state: "running" as const } } };
  const terminate = { message_type: "terminate.requested", read: running };
  const yaml = "steps: [{ notify: d.n, with: {} }]\noutput: '${ input.x }'";
  const folded = [3, SEMANTICS].map((version) => statusOf(yaml, recorded(version, {}, terminate)));
  expect(folded).toMatchObject([{ parked: { step: "output" } }, { status: "terminated" }]);
  expect(folded[1]).not.toHaveProperty("parked");
});

test("a retry that set no deadline, and a completed child's list that its parent did not take over, are folded as they were", () => {
  const made = (yaml: string, ...events: readonly Partial<MovingEvent>[]) =>
    [3, SEMANTICS].map((version) => {
      const result = fold(define(`saga: test\nversion: 1\n${yaml}`), FACTS, recorded(version, ...events), evaluator);
      return result.kind === "folded" ? result.folded.state : null;
    });
  const retry = { message_type: "retry.requested", message_body: {} };
  const [before, now] = made("steps: [{ step: a, command: d.a, with: {}, deadline: 1h }]", {}, FAILED, retry);
  expect([before?.timers, now?.timers]).toEqual([{}, { "deadline:a": "2026-01-01T01:00:06.000Z" }]);
  const child = childId("2026-01-01T00:00:04.000Z", "S/a#1");
  const ended = {
    message_type: "child.ended",
    message_body: { path: "a", child, status: "completed", uncompensated: true },
  };
  const lists = made("steps: [{ step: a, saga: other, with: {} }]", {}, ended);
  expect(lists.map((state) => state?.uncompensated.length)).toEqual([0, 1]);
});

test("what a process of the version before listed a second time, of a child whose end this one took, is folded as it was", () => {
  const child = childId("2026-01-01T00:00:04.000Z", "S/a#1");
  const body = { path: "a", child, status: "completed", uncompensated: true };
  const refused = {
    message_type: "step.rejected",
    step_key: "S/b",
    attempt: 1,
    message_body: { code: "no" },
    read: { now: STARTED, guards: { b: { state: "rejected" as const, code: "no", message: "" } } },
  };
  const undone = { message_type: "child.compensated", message_body: { path: "a", uncompensated: true } };
  const yaml = "steps: [{ step: a, saga: other, with: {} }, { step: b, command: d.b, with: {} }]";
  const lists = [3, SEMANTICS].map((semantics) => {
    const events = [{}, { message_type: "child.ended", message_body: body }, refused, { ...undone, semantics }];
    const result = fold(define(`saga: test\nversion: 1\n${yaml}`), FACTS, recorded(SEMANTICS, ...events), evaluator);
    return result.kind === "folded" ? result.folded.state?.uncompensated.length : result;
  });
  expect(lists).toEqual([2, 1]);
});

test("a terminated child that its parent did not list behind the pivot is folded as it was", () => {
  const yaml =
    "steps: [{ step: p, command: d.p, with: {}, pivot: true, retry: none }, { step: a, saga: other, with: {} }]";
  const passed = { message_type: "step.succeeded", step_key: "S/p", attempt: 1, message_body: { output: {} } };
  const child = childId("2026-01-01T00:00:05.000Z", "S/a#1");
  const ended = { message_type: "child.ended", message_body: { path: "a", child, status: "terminated" } };
  const retry = { message_type: "retry.requested", message_body: {} };
  const lists = [3, SEMANTICS].map((version) => statusOf(yaml, recorded(version, {}, passed, ended, retry)));
  expect(lists).toMatchObject([
    { uncompensated: [] },
    { uncompensated: [{ step: "a", reason: "its child saga was terminated" }] },
  ]);
});

test("an optional list that failed while its closed branch waited for another step is folded as it began anew", () => {
  const yaml = `
steps:
  - parallel:
      left:
        - parallel:
            slow: [{ step: slow, command: d.slow, with: {} }]
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
  const inner = "parallel0/left/parallel0";
  const loses = `${inner}/loses/loses`;
  const done = (path: string) => ({
    message_type: "step.succeeded",
    step_key: `S/${path}`,
    attempt: 1,
    message_body: { output: {} },
    read: {
      now: STARTED,
      guards: {
        [`${inner}/slow/slow`]: { state: "running" as const },
        [loses]: { state: "done" as const, output: {} },
      },
    },
  });
  const refund = `${loses}/compensate/refund`;
  const failed = {
    message_type: "step.failed",
    step_key: `S/${refund}`,
    attempt: 1,
    message_body: { code: "x", retryable: false },
    read: { now: STARTED, guards: { [refund]: { state: "closed" as const } } },
  };
  const events = [{}, done(`${inner}/wins/wins`), done("parallel0/right/other"), failed];
  expect(bothOf(yaml, loses, ...events)).toEqual([
    ["running", "compensating"],
    ["running", "kept"],
  ]);
});

test("a transition of a version that this engine does not know, or of none, cannot be folded", () => {
  const why = [SEMANTICS_OLDEST - 1, SEMANTICS + 1, null].map((version) =>
    statusOf("steps: []", recorded(version, {})),
  );
  const knows = `this engine knows ${SEMANTICS_OLDEST} to ${SEMANTICS}`;
  expect(why).toMatchObject(
    [`${SEMANTICS_OLDEST - 1}`, `${SEMANTICS + 1}`, "unknown"].map((made) => ({
      kind: "unverifiable",
      reason: `transition 1 was made by semantics ${made}, ${knows}`,
    })),
  );
});
