import { describe, expect, test } from "bun:test";
import type { JsonValue, TimelineEvent } from "ekiden";
import fc from "fast-check";
import { type Standing, stand } from "../../domains/application/standing.ts";

const sagaId = "01JZ000000000000000000000A";

/** An event at the given second; `step` is a path within the saga. */
function event(second: number, type: string, body: JsonValue, step: string | null = null): TimelineEvent {
  return {
    messageId: `01JZ0000000000000000000${String(second).padStart(3, "0")}`,
    type,
    sagaId,
    saga: "onboarding",
    stepKey: step === null ? null : `${sagaId}/${step}`,
    action: null,
    at: at(second),
    body,
  };
}

function at(second: number): Date {
  return new Date(Date.UTC(2025, 0, 1, 0, 0, second));
}

function fold(events: readonly TimelineEvent[]): Standing | undefined {
  return events.reduce<Standing | undefined>(stand, undefined);
}

function whereAndWhy(events: readonly TimelineEvent[]) {
  const row = fold(events);
  return row && { standing: row.standing, why: row.why, since: row.since };
}

const started = event(0, "saga.started", { input: { applicationNo: "A-0001", applicant: {}, credit: {} } });
const applied = event(1, "step.succeeded", { output: { applicationId: "01JZ000000000000000000000B" } }, "apply");
const screened = (result: string) =>
  event(
    2,
    "step.succeeded",
    { output: { screeningId: "S", result, score: 7, reasons: ["age 45: +5", "months 12: +2"] } },
    "screen",
  );
const reviewed = (decision: string) =>
  event(3, "signal.received", { signal: "screening_reviewed", payload: { decision, reviewer: "mori" } });
const contracted = event(4, "step.succeeded", { output: { contractId: "C", number: "C-00000001" } }, "contract");
const mailed = event(5, "step.succeeded", { output: { mailId: "M" } }, "welcome_mail");
const completed = event(6, "saga.completed", { output: { contractId: "C" } });
const failed = (code: string) => event(6, "saga.failed", { error: { code, message: "no", step: "screen" } });
const parked = event(3, "saga.parked", { error: { code: "timeout", message: "late", step: "contract" } });

const approvedRun = [started, applied, screened("approved"), contracted, mailed, completed];
const reviewedRun = [started, applied, screened("manual_review"), reviewed("approve"), contracted, mailed, completed];

test("a started saga is a received application", () => {
  expect(fold([started])).toEqual({
    sagaId,
    applicationNo: "A-0001",
    standing: "received",
    why: null,
    since: at(0),
    startedAt: at(0),
    facts: {},
  });
});

const scoreAndReasons = "score 7; age 45: +5; months 12: +2";
test.each([
  ["registered", [started, applied], null, 1],
  ["approved", [started, applied, screened("approved")], scoreAndReasons, 2],
  ["in_review", [started, applied, screened("manual_review")], scoreAndReasons, 2],
  ["approved", [started, applied, screened("manual_review"), reviewed("approve")], "approved by mori", 3],
  ["declined", [started, applied, screened("manual_review"), reviewed("reject")], "review_rejected", 3],
  ["declined", [started, applied, screened("rejected")], "screening_rejected", 2],
  ["contracted", [started, applied, screened("approved"), contracted], "C-00000001", 4],
  ["completed", approvedRun, null, 6],
  ["declined", [started, applied, screened("manual_review"), failed("review_expired")], "review_expired", 6],
  ["cancelled", [started, applied, event(9, "saga.cancelled", { error: { code: "cancelled" } })], "cancelled", 9],
  ["terminated", [started, applied, event(9, "saga.terminated", {})], null, 9],
] as const)("%s: where, why and since when", (standing, events, why, since) => {
  expect(whereAndWhy(events)).toEqual({ standing, why, since: at(since) });
});

test("the end of a declined saga moves nothing when it only confirms the reason", () => {
  expect(whereAndWhy([started, applied, screened("rejected"), failed("screening_rejected")])).toEqual({
    standing: "declined",
    why: "screening_rejected",
    since: at(2),
  });
});

test("a contract that is refused declines the application, before its steps are undone", () => {
  const refused = event(4, "step.rejected", { code: "instalment_too_small", message: "no" }, "contract");

  expect(whereAndWhy([started, applied, screened("approved"), refused])).toEqual({
    standing: "declined",
    why: "instalment_too_small",
    since: at(4),
  });
});

test("an unusable mail address leaves the application contracted", () => {
  const refused = event(5, "step.rejected", { code: "unusable_address", message: "no" }, "welcome_mail");

  expect(fold([started, applied, screened("approved"), contracted, refused])?.standing).toBe("contracted");
});

test("a review that came before the screening counts once the screening asks for one", () => {
  expect(fold([started, applied, reviewed("approve"), screened("manual_review")])?.standing).toBe("approved");
  expect(fold([started, applied, reviewed("reject"), screened("approved")])?.why).toBe(scoreAndReasons);
});

describe("a parked saga", () => {
  const toPark = [started, applied, screened("approved"), parked];

  test("says at which step and why", () => {
    expect(whereAndWhy(toPark)).toEqual({ standing: "parked", why: "timeout at contract", since: at(3) });
  });

  test("goes on at its next answer", () => {
    expect(whereAndWhy([...toPark, contracted])).toEqual({ standing: "contracted", why: "C-00000001", since: at(4) });
  });

  test("stays parked at a signal that nobody waits for", () => {
    expect(fold([...toPark, reviewed("approve")])?.standing).toBe("parked");
  });
});

test("another definition, an unseen start and an unreadable body give no row", () => {
  expect(fold([{ ...started, saga: "offboarding" }, applied])).toBeUndefined();
  expect(fold([applied, contracted, completed])).toBeUndefined();
  expect(fold([{ ...started, body: null }])).toBeUndefined();
});

test("law: any prefix of a run, delivered again after it, changes nothing", () => {
  fc.assert(
    fc.property(fc.constantFrom(approvedRun, reviewedRun), fc.nat({ max: 7 }), (run, length) => {
      expect(fold([...run, ...run.slice(0, length)])).toEqual(fold(run));
    }),
  );
});

test("law: an event delivered twice in place changes nothing", () => {
  fc.assert(
    fc.property(fc.constantFrom(approvedRun, reviewedRun), fc.nat({ max: 6 }), (run, index) => {
      expect(fold([...run.slice(0, index + 1), ...run.slice(index)])).toEqual(fold(run));
    }),
  );
});
