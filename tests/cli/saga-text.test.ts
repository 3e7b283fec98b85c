import { expect, test } from "bun:test";

import { sagaText } from "../../engine/cli/saga-text.ts";

const SAGA: Parameters<typeof sagaText>[0] = {
  sagaId: "01KAS0CW5V8XJQ6Z3T4M7N9PRD",
  definition: "settlement",
  version: 1,
  revision: "r",
  status: "running",
  key: null,
  labels: {},
  input: {},
  output: null,
  error: null,
  uncompensated: [],
  steps: [{ path: "ship[9]/pack", status: "running", attempts: 1, startedAt: null, finishedAt: null }],
  waitingFor: null,
  timers: [],
  parent: null,
  startedAt: "2026-11-01T10:00:00.000Z",
  updatedAt: "2026-11-01T10:00:00.000Z",
  finishedAt: null,
};

test("a saga with more steps than are shown says where the others are", () => {
  const where = "There are more steps: GET /v1/sagas/01KAS0CW5V8XJQ6Z3T4M7N9PRD/steps";
  expect(
    sagaText({ ...SAGA, moreSteps: true })
      .split("\n")
      .at(-1),
  ).toBe(where);
  expect(sagaText(SAGA)).not.toContain("more steps");
});

test("a step that was rejected says why, also when the saga failed by another code, or not at all", () => {
  const step = { path: "ship", status: "rejected", attempts: 1, startedAt: null, finishedAt: null };
  const error = { code: "no_address", message: "nothing can be sent\nto Nobody", step: "ship" };
  const caught = { code: "not_shipped", message: "not_shipped", step: "ship/catch/rejected/fail0" };
  const text = sagaText({ ...SAGA, status: "failed", error: caught, steps: [...SAGA.steps, { ...step, error }] });
  expect(text.split("\n").slice(-3)).toEqual([
    "STEP          STATUS    ATTEMPTS  STARTED  FINISHED  ERROR",
    "ship[9]/pack  running   1         -        -",
    "ship          rejected  1         -        -         no_address: nothing can be sent to Nobody",
  ]);
  expect(sagaText(SAGA)).not.toContain("ERROR");
});

test("what happens by itself is said once, and the deadline of a wait with the wait", () => {
  const dueAt = "2026-11-01T10:00:12.000Z";
  const text = sagaText({
    ...SAGA,
    waitingFor: [{ signal: "approved", path: "approval", deadlineAt: dueAt }],
    timers: [
      { kind: "deadline", step: "approval", dueAt },
      { kind: "retry", step: "screen", dueAt },
      { kind: "deadline", step: null, dueAt },
    ],
  });

  expect(text.split("\n").flatMap((line) => /^next +(\S+ of .*) at /.exec(line)?.[1] ?? [])).toEqual([
    "retry of screen",
    "deadline of the saga",
  ]);
});
