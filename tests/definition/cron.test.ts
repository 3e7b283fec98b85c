import { expect, test } from "bun:test";
import { cronProblem, isTimezone, nextTime } from "../../engine/definition/cron.ts";

function times(cron: string, timezone: string, after: string, count: number): readonly (string | undefined)[] {
  const found: (string | undefined)[] = [];
  let at: Date | null = new Date(after);
  while (found.length < count && at !== null) {
    at = nextTime({ cron, timezone }, at);
    found.push(at?.toISOString());
  }
  return found;
}

test("a time of day is the one of the time zone", () => {
  expect(times("0 3 1 * *", "Asia/Tokyo", "2026-11-30T18:00:00Z", 2)).toEqual([
    "2026-12-31T18:00:00.000Z",
    "2027-01-31T18:00:00.000Z",
  ]);
});

test("a time of day that clocks repeat comes once, one that they leave out comes right after", () => {
  expect(times("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2)).toEqual([
    "2026-10-25T00:30:00.000Z",
    "2026-10-26T01:30:00.000Z",
  ]);
  expect(times("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2)).toEqual([
    "2026-03-29T01:00:00.000Z",
    "2026-03-30T00:30:00.000Z",
  ]);
});

test("every half hour goes on through the hour that clocks repeat", () => {
  expect(times("*/30 * * * *", "America/Los_Angeles", "2026-11-01T08:15:00Z", 4)).toEqual([
    "2026-11-01T08:30:00.000Z",
    "2026-11-01T09:00:00.000Z",
    "2026-11-01T09:30:00.000Z",
    "2026-11-01T10:00:00.000Z",
  ]);
});

test("a line has five fields or a name, and a time that comes", () => {
  expect(cronProblem("*/5 8-17 * * 1-5")).toBeUndefined();
  expect(cronProblem("@daily")).toBeUndefined();
  expect(cronProblem("0 0 29 2 *")).toBeUndefined();
  expect(cronProblem("0 0 30 2 *")).toBe("that time never comes");
  expect(cronProblem("2027-01-31T09:00:00")).toBe("it has 1 fields, not five");
  expect(cronProblem("@sometimes")).toBeDefined();
  expect(cronProblem("a b c d e")).toBeDefined();
});

test("time zones are names of the IANA list, not offsets", () => {
  expect(["UTC", "Asia/Tokyo", "Asia/Nowhere", "+09:00", ""].map(isTimezone)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});
