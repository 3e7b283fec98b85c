import { Cron } from "croner";
import type { Schedule } from "../core/definition.ts";

type Times = Pick<Schedule, "cron" | "timezone">;

/** Any day: whether a line of cron ever comes true does not depend on it. */
const SOME_DAY = new Date("2000-01-01T00:00:00Z");

/**
 * Reads a line of cron once. What it returns gives the first time after `after`, exclusive, to the minute; null when there
 * is none. When clocks go back, a line for one time of day comes once and a line for every so many minutes goes on; a time
 * that clocks leave out comes right after.
 */
export function timesOf({ cron, timezone }: Times): (after: Date) => Date | null {
  const line = new Cron(cron, { timezone, mode: "5-part" });
  return (after) => line.nextRun(after);
}

/** The first time after `after`, as `timesOf` gives it. */
export function nextTime(times: Times, after: Date): Date | null {
  return timesOf(times)(after);
}

/** What is wrong with a line of cron; undefined when it can be used. */
export function cronProblem(cron: string): string | undefined {
  // The library also takes a date, for what happens once, and lines with seconds and years.
  const fields = cron.trim().split(/\s+/);
  if (fields.length !== 5 && !cron.startsWith("@")) return `it has ${fields.length} fields, not five`;
  try {
    return nextTime({ cron, timezone: "UTC" }, SOME_DAY) === null ? "that time never comes" : undefined;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return error.message.replace(/^CronPattern: /, "").replace(/^[A-Z]/, (first) => first.toLowerCase());
  }
}

/** Whether the time zone is one that the runtime knows. */
export function isTimezone(name: string): boolean {
  try {
    return /^[A-Za-z]/.test(name) && new Intl.DateTimeFormat("en", { timeZone: name }) !== undefined;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** Names like this one, for the hint. */
export function timezonesLike(name: string): readonly string[] {
  const [area = ""] = name.split("/");
  return Intl.supportedValuesOf("timeZone").filter((each) => each.toLowerCase().startsWith(area.toLowerCase()));
}
