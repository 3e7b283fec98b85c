import { expect, test } from "bun:test";
import { dueTimes } from "../../engine/dispatcher/schedules.ts";

const schedule = (cron: string, timezone = "UTC") =>
  ({ cron, timezone, overlap: "skip", input: { kind: "literal", value: {} } }) as const;
const due = (cron: string, since: string, now: string, timezone?: string) =>
  dueTimes(schedule(cron, timezone), new Date(since), new Date(now)).map((at) => at.toISOString());

test("a time is due when it has come, and only once", () => {
  expect(due("0 3 * * *", "2026-11-25T02:00:00Z", "2026-11-25T02:59:59Z")).toEqual([]);
  expect(due("0 3 * * *", "2026-11-25T02:00:00Z", "2026-11-25T03:00:00Z")).toEqual(["2026-11-25T03:00:00.000Z"]);
  expect(due("0 3 * * *", "2026-11-25T03:00:00Z", "2026-11-25T23:00:00Z")).toEqual([]);
});

test("times that were missed come in their order, the newest thousand of them", () => {
  expect(due("0 3 1 * *", "2026-08-15T00:00:00Z", "2026-11-25T00:00:00Z", "Asia/Tokyo")).toEqual([
    "2026-08-31T18:00:00.000Z",
    "2026-09-30T18:00:00.000Z",
    "2026-10-31T18:00:00.000Z",
  ]);
  const many = due("* * * * *", "2006-11-24T00:00:00Z", "2026-11-25T00:00:00Z");

  expect([many.length, many.at(-1)]).toEqual([1_000, "2026-11-25T00:00:00.000Z"]);
});
