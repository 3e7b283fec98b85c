import { expect, test } from "bun:test";

import { InputFault } from "../../engine/simulate/simulate.ts";
import { FAILED, simulated, SUCCEEDED, told } from "./simulated.ts";

const THREE = `
defaults: { timeout: 30s, retry: { attempts: 3, backoff: 1s, factor: 2, jitter: 0 } }
steps:
  - step: apply
    command: application.register
    with: { no: 1 }
    compensate: application.cancel
  - step: screen
    command: screening.examine
    with: {}
    compensate: screening.void
  - step: contract
    command: contract.conclude
    with: {}
`;

test("a step that nothing is planned for succeeds, and the saga completes at once", () => {
  const run = simulated(THREE);

  expect(run).toMatchObject({
    steps: ["apply", "screen", "contract"],
    status: "completed",
    ended: "at-rest",
    endedAtMs: 0,
    uncompensated: [],
    unused: [],
  });
  expect(run.error).toBeUndefined();
});

test("a rejection undoes the earlier steps, each message told in order", () => {
  const run = simulated(THREE, { outcomes: { screen: [{ end: "rejected", code: "refused" }] } });

  expect(told(run)).toEqual([
    "0s apply: application.register",
    "0s apply: succeeded",
    "0s screen: screening.examine",
    "0s screen: rejected (refused)",
    "0s : compensating: refused",
    "0s undo apply: application.cancel",
    "0s undo apply: undone",
    "0s : failed: refused",
  ]);
  expect(run.steps).toEqual(["apply", "screen", "undo apply"]);
  expect(run.error).toEqual({ code: "refused", message: "rejected in the simulation", step: "screen" });
});

test("outcomes are taken one an attempt, and the clock follows the backoff", () => {
  const run = simulated(THREE, { outcomes: { screen: [FAILED, FAILED, SUCCEEDED] } });

  expect(told(run).filter((line) => line.includes("screen"))).toEqual([
    "0s screen: screening.examine",
    "0s screen: failed",
    "1s screen: the backoff is over",
    "1s screen: screening.examine (attempt 2)",
    "1s screen: failed (attempt 2)",
    "3s screen: the backoff is over",
    "3s screen: screening.examine (attempt 3)",
    "3s screen: succeeded (attempt 3)",
  ]);
  expect(run).toMatchObject({ steps: ["apply", "screen", "contract"], status: "completed", endedAtMs: 3_000 });
});

test("the last outcome holds for all attempts that follow: the saga parks", () => {
  const run = simulated(THREE, { outcomes: { screen: [FAILED] } });

  expect(run).toMatchObject({ status: "parked", error: { code: "exception", step: "screen" }, endedAtMs: 3_000 });
});

test("a compensation has outcomes of its own", () => {
  const run = simulated(THREE, {
    outcomes: { contract: [{ end: "rejected", code: "no" }], "undo screen": [{ end: "rejected", code: "too_late" }] },
  });

  expect(run.steps).toEqual(["apply", "screen", "contract", "undo screen"]);
  expect(run).toMatchObject({ status: "parked", error: { code: "too_late", step: "screen" } });
});

test("an unknown end is compensated, for it may have taken effect", () => {
  const steps = `
steps:
  - step: pay
    command: bank.pay
    with: {}
    retry: { attempts: 1, then: compensate }
    compensate: bank.refund
`;
  const run = simulated(steps, { outcomes: { pay: [{ end: "unknown" }] } });

  expect(told(run)).toEqual([
    "0s pay: bank.pay",
    "0s pay: unknown: nobody saw its end",
    "0s : compensating: exception",
    "0s undo pay: bank.refund",
    "0s undo pay: undone",
    "0s : failed: exception",
  ]);
});

const WAIT = `
steps:
  - step: apply
    command: application.register
    with: {}
    compensate: application.cancel
  - step: review
    wait: reviewed
    returns: { decision: [approve, reject], note: string(2..), score: integer(3..) }
    deadline: 3d
output: \${ steps.review }
`;

test("a signal without a time comes as soon as it is waited for; its payload is the plainest that fits", () => {
  const run = simulated(WAIT, { signals: [{ signal: "reviewed" }] });

  expect(run).toMatchObject({
    steps: ["apply", "review"],
    status: "completed",
    output: { decision: "approve", note: "xx", score: 3 },
    endedAtMs: 0,
  });
});

test("a signal at a time comes then; after the deadline nobody takes it", () => {
  const payload = { decision: "reject", note: "no", score: 4 };
  const hour = 3_600_000;
  const inTime = simulated(WAIT, { signals: [{ signal: "reviewed", payload, atMs: hour }] });
  const late = simulated(WAIT, { signals: [{ signal: "reviewed", payload, atMs: 100 * hour }] });

  expect(inTime).toMatchObject({ status: "completed", output: payload, endedAtMs: hour });
  expect(late).toMatchObject({ status: "failed", error: { code: "deadline", step: "review" }, endedAtMs: 72 * hour });
  expect(told(late).at(-1)).toBe("360000s : the saga is failed: nobody takes it");
});

test("the clock stops when it is told to: the saga as it stands then", () => {
  const run = simulated(WAIT, { untilMs: 3_600_000 });

  expect(run).toMatchObject({ status: "running", waitingFor: ["reviewed"], ended: "time", endedAtMs: 3_600_000 });
});

test("a cancel compensates; past the end it has no effect", () => {
  const waiting = simulated(WAIT, { cancelAtMs: 5_000 });
  const over = simulated(THREE, { cancelAtMs: 5_000 });

  expect(waiting).toMatchObject({ steps: ["apply", "review", "undo apply"], status: "cancelled", endedAtMs: 5_000 });
  expect(told(over).slice(-2)).toEqual(["5s : cancel", "5s : no effect: the saga is completed"]);
  expect(over.endedAtMs).toBe(0);
});

test("a step that was given up before its command ran is refused when it comes, and nothing of it is undone", () => {
  const steps = `
steps:
  - step: slow
    command: bank.pay
    with: {}
    deadline: 1m
    compensate: bank.refund
`;
  const run = simulated(steps, { outcomes: { slow: [{ end: "succeeded", afterMs: 3_600_000 }] } });

  expect(told(run)).toEqual([
    "0s slow: bank.pay",
    "60s slow: the deadline has passed",
    "60s slow: given up: deadline",
    "60s : compensating: deadline",
    "60s : failed: deadline",
    "3600s slow: refused: the step is closed",
  ]);
  expect(run.endedAtMs).toBe(60_000);
});

test("a step that nobody answers stands for ever when it has no deadline", () => {
  const run = simulated(THREE, { outcomes: { screen: [{ end: "silent" }] } });

  expect(run).toMatchObject({ status: "running", steps: ["apply", "screen"], ended: "at-rest" });
});

test("what was planned and never happened is named", () => {
  const run = simulated(THREE, {
    outcomes: { screen: [{ end: "rejected", code: "no" }], contract: [FAILED] },
    signals: [{ signal: "reviewed" }],
  });

  expect(run.unused).toEqual(["contract", "signal reviewed"]);
});

test("a step that is retried for ever does not hold the simulation up", () => {
  const steps = `
steps:
  - step: pay
    command: bank.pay
    with: {}
    retry: { attempts: forever, backoff: 1s, max: 1m }
`;
  const run = simulated(steps, { outcomes: { pay: [FAILED] } });

  expect(run).toMatchObject({ status: "running", ended: "too-long" });
});

test("an expression that breaks on real data parks the saga, as the engine would", () => {
  const steps = `
steps:
  - step: apply
    command: application.register
    with: { no: "\${ input.list[3] }" }
`;
  const run = simulated(steps, {}, { list: [] });

  expect(run).toMatchObject({ status: "parked", error: { code: "expression.failed", step: "apply" } });
});

test("an input of which no key can be made starts no saga", () => {
  expect(() => simulated(`key: \${ input.no }\n${THREE}`, {}, { no: "" })).toThrow(InputFault);
});

test("the same plan tells the same story", () => {
  const plan = { outcomes: { screen: [FAILED, SUCCEEDED] }, cancelAtMs: 500 };

  expect(simulated(THREE, plan)).toEqual(simulated(THREE, plan));
});
