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

test("times that lie close together are found behind a weekend, and behind eleven months", () => {
  const weekdays = due("* 9-16 * * 1-5", "2026-11-20T12:00:00Z", "2026-11-23T08:00:00Z");
  expect([weekdays.length, weekdays[0], weekdays.at(-1)]).toEqual([
    299,
    "2026-11-20T12:01:00.000Z",
    "2026-11-20T16:59:00.000Z",
  ]);
  const january = due("* * * 1 *", "2020-01-01T00:00:00Z", "2026-12-01T00:00:00Z");

  expect([january.length, january[0], january.at(-1)]).toEqual([
    1_000,
    "2026-01-31T07:20:00.000Z",
    "2026-01-31T23:59:00.000Z",
  ]);
});

test("the newest thousand are the same whatever the distance of the first two", () => {
  const bursts = due("0-1 0 * * *", "2020-01-01T00:00:00Z", "2026-11-25T12:00:00Z");
  expect([bursts.length, bursts[0], bursts.at(-1)]).toEqual([
    1_000,
    "2025-07-14T00:00:00.000Z",
    "2026-11-25T00:01:00.000Z",
  ]);
  // The first two times are a night apart, all others a minute.
  const fromEvening = due("* 9-16 * * *", "2010-11-20T16:58:30Z", "2026-11-25T12:00:00Z");

  expect([fromEvening.length, new Set(fromEvening).size, fromEvening[0], fromEvening.at(-1)]).toEqual([
    1_000,
    1_000,
    "2026-11-23T11:21:00.000Z",
    "2026-11-25T12:00:00.000Z",
  ]);
});
