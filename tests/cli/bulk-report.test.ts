import { expect, test } from "bun:test";

import { isAtRest, type SagaView, standing } from "../../engine/cli/bulk/at-rest.ts";
import { retryAfterMs } from "../../engine/cli/bulk/patient-caller.ts";
import { advanceText } from "../../engine/cli/progress.ts";
import { Tally } from "../../engine/cli/bulk/tally.ts";

const WAITS = [{ signal: "reviewed", path: "review", deadlineAt: null }];

function saga(status: SagaView["status"], steps: readonly string[], waitingFor: SagaView["waitingFor"]): SagaView {
  const step = { path: "a", attempts: 1, startedAt: null, finishedAt: null };
  return { status, waitingFor, steps: steps.map((it) => ({ ...step, status: it })) } as unknown as SagaView;
}

test("a saga is at rest when it is final, parked, or only waits for signals", () => {
  expect(isAtRest(saga("completed", ["succeeded"], null))).toBe(true);
  expect(isAtRest(saga("parked", ["parked"], null))).toBe(true);
  expect(isAtRest(saga("running", ["succeeded", "waiting"], WAITS))).toBe(true);
  expect(isAtRest(saga("running", ["running", "waiting"], WAITS))).toBe(false);
  expect(isAtRest(saga("running", ["waiting"], WAITS), true)).toBe(false);
  expect(isAtRest(saga("running", [], null))).toBe(false);
  expect(isAtRest(saga("compensating", ["compensating"], null))).toBe(false);
  expect(standing(saga("running", ["waiting"], WAITS))).toBe("waiting for reviewed");
  expect(standing(saga("failed", [], null))).toBe("failed");
});

test("the exit code: refused before unsettled before done", () => {
  const tally = new Tally();
  tally.add({ line: 1, result: "started", standing: "completed" }, 10);
  tally.add({ line: 3, result: "known", standing: "waiting for reviewed" }, 30);
  tally.add({ line: 2, result: "known", standing: "completed" }, 20);
  expect({ exit: tally.exit, counts: tally.counts("started"), bytes: tally.bytes, rows: tally.rows() }).toEqual({
    exit: 0,
    counts: "1 started, 2 known, 0 refused",
    bytes: 30,
    rows: [
      ["completed", "2"],
      ["waiting for reviewed", "1"],
    ],
  });

  tally.add({ line: 4, result: "started", standing: "parked" }, 40);
  expect(tally.exit).toBe(4);
  tally.add({ line: 5, result: "refused" }, 50);
  expect(tally.exit).toBe(1);
});

test("progress says how much is done, how fast and how long it takes; of a pipe no end is known", () => {
  const counts = "500 started, 0 known, 0 refused";

  expect(advanceText({ counts, done: 500, share: 0.5 }, 2_000)).toBe(
    "████████████░░░░░░░░░░░░  50 %  500 started, 0 known, 0 refused, 250/s, 2 s left",
  );
  expect(advanceText({ counts, done: 500, share: 0.25 }, 600_000)).toEndWith("1/s, 30 min left");
  expect(advanceText({ counts, done: 500, share: undefined }, 2_000)).toBe(`${counts}, 250/s`);
});

test("Retry-After is seconds or a date, within bounds", () => {
  const now = Date.parse("2026-01-31T12:00:00Z");

  expect(retryAfterMs("2", now)).toBe(2_000);
  expect(retryAfterMs("Sat, 31 Jan 2026 12:00:05 GMT", now)).toBe(5_000);
  expect(retryAfterMs("Sat, 31 Jan 2026 11:00:00 GMT", now)).toBe(0);
  expect(retryAfterMs("86400", now)).toBe(30_000);
  expect(retryAfterMs("soon", now)).toBeUndefined();
});
