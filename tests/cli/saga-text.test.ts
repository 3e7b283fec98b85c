import { expect, test } from "bun:test";

import { sagaText } from "../../engine/cli/saga-text.ts";
import { standingText } from "../../engine/cli/standing-text.ts";
import { took } from "../../engine/cli/table.ts";
import { waitingText } from "../../engine/cli/waiting-text.ts";

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
  waiting: null,
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
    "STEP          STATUS    ATTEMPTS  STARTED  FINISHED  TOOK  ERROR",
    "ship[9]/pack  running   1         -        -         -",
    "ship          rejected  1         -        -         -     no_address: nothing can be sent to Nobody",
  ]);
  expect(sagaText(SAGA)).not.toContain("ERROR");
});

test("what a saga waits for is said in a few words; a child, or who mends an undoing, also where one saga is shown", () => {
  const at = { step: "charge", since: "2026-11-01T10:00:00.000Z", until: null };
  const until = "2026-11-01T12:00:00.000Z";
  const child = { ...at, kind: "child", child: { sagaId: "01C", status: "parked" } } as const;
  expect([
    waitingText(null),
    waitingText({ ...at, kind: "person" }),
    waitingText({ ...at, kind: "person", step: null }),
    waitingText({ ...at, kind: "signal", signal: "approved" }),
    waitingText({ ...at, kind: "signal", signal: "approved", until }),
    waitingText(child),
    waitingText({ ...at, kind: "child" }),
    waitingText({ ...at, kind: "retry", until }),
    waitingText({ ...at, kind: "sleep", until }),
    waitingText({ ...at, kind: "answer" }),
  ]).toEqual([
    "-",
    "a person at charge since 2026-11-01 10:00:00Z",
    "a person since 2026-11-01 10:00:00Z",
    "signal approved since 2026-11-01 10:00:00Z",
    "signal approved since 2026-11-01 10:00:00Z, until 2026-11-01 12:00:00Z",
    "child 01C (parked) since 2026-11-01 10:00:00Z",
    "a child saga at charge since 2026-11-01 10:00:00Z",
    "a retry at charge since 2026-11-01 10:00:00Z, next 2026-11-01 12:00:00Z",
    "a pause at charge since 2026-11-01 10:00:00Z, next 2026-11-01 12:00:00Z",
    "an answer at charge since 2026-11-01 10:00:00Z",
  ]);
  expect(sagaText({ ...SAGA, waiting: child })).toContain("waits for   child 01C (parked) since");
  const person = { ...at, kind: "person", step: "charge" } as const;
  expect(sagaText({ ...SAGA, status: "completed", waiting: person })).toContain("waits for   a person at charge since");
  expect(sagaText({ ...SAGA, status: "parked", waiting: person })).not.toContain("waits for");
});

test("who waits for an answer says so, and which paused group keeps it waiting, since when, by whom and why", () => {
  const waiting = { kind: "answer", step: "charge", since: SAGA.startedAt, until: null } as const;
  expect(sagaText({ ...SAGA, waiting })).toContain("waits for   an answer at charge since 2026-11-01 10:00:00Z\n");
  expect(standingText({ ...SAGA, waiting })).toBe("running: waits for an answer at charge since 2026-11-01 10:00:00Z");

  const since = "2026-11-01T11:00:00.000Z";
  const paused = { ...waiting, pausedGroup: { group: "billing", since, by: "ada", reason: "vendor is down" } };
  const who = "since 2026-11-01 11:00:00Z by ada: vendor is down";
  const order = 'ekiden resume billing --reason "…"';
  expect(waitingText(paused)).toBe("an answer at charge since 2026-11-01 10:00:00Z, group billing is paused");
  expect(sagaText({ ...SAGA, waiting: paused })).toContain(`paused      consumer group billing ${who} (${order})\n`);
  expect(
    standingText({ ...SAGA, waiting: paused })
      .split("\n")
      .slice(1),
  ).toEqual([`consumer group billing is paused ${who}`, `goes on with: ${order}`]);
  // For a key that is for some definitions; and one that no person has paused.
  const some = { ...waiting, pausedGroup: { group: "billing", since } };
  expect(standingText({ ...SAGA, waiting: some })).toContain(
    "\nconsumer group billing is paused since 2026-11-01 11:00:00Z\n",
  );
  const held = {
    ...waiting,
    pausedGroup: { group: "billing", since: null, by: null, reason: "ekiden recover: restored" },
  };
  expect(
    standingText({ ...SAGA, waiting: held })
      .split("\n")
      .slice(1),
  ).toEqual(["consumer group billing is paused: ekiden recover: restored", "goes on with: ekiden recover"]);
});

test.each([
  [0, "0 ms"],
  [62, "62 ms"],
  [999, "999 ms"],
  [1_000, "1.0 s"],
  [3_249, "3.2 s"],
  [9_949, "9.9 s"],
  [9_950, "10 s"],
  [59_499, "59 s"],
  [59_990, "1 m"],
  [250_000, "4 m 10 s"],
  [3_600_000, "1 h"],
  [86_400_000 * 2 + 3_600_000 * 3 + 59_000, "2 d 3 h"],
])("%i ms are told as %s", (ms, text) => {
  const from = "2026-11-01T10:00:00.000Z";
  expect(took(from, new Date(Date.parse(from) + ms).toISOString())).toBe(text);
});

test("how long a saga and its steps took is told to the millisecond; of what is open nothing is told", () => {
  const step = { path: "ship", status: "succeeded", attempts: 1, startedAt: SAGA.startedAt };
  const finishedAt = "2026-11-01T10:00:00.350Z";
  const text = sagaText({ ...SAGA, status: "completed", finishedAt, steps: [{ ...step, finishedAt }] });
  expect(text).toContain("finished    2026-11-01 10:00:00Z (took 350 ms)");
  expect(text.split("\n").at(-1)).toBe("ship  succeeded  1         2026-11-01 10:00:00Z  2026-11-01 10:00:00Z  350 ms");
  expect([took(SAGA.startedAt, null), took(null, null), took(finishedAt, SAGA.startedAt)]).toEqual(["-", "-", "0 ms"]);
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
