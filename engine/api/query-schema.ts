import * as v from "valibot";

import { durationMs } from "../definition/duration.ts";
import { isUlid } from "../timeline/ids.ts";

/** Longest `wait`, in milliseconds. */
const WAIT_MAX_MS = 60_000;

/** Text for a query: what PostgreSQL cannot hold is refused here. */
export const QueryText = v.pipe(
  v.string(),
  v.minLength(1, "is empty"),
  v.maxLength(500, "is longer than 500 characters"),
  v.check((text) => !text.includes("\u0000") && text.isWellFormed(), "holds a character that no text may have"),
);

const ULID = "is no ULID";

// Descriptions stand before what changes the value: the document describes what is sent.

export const queryUlid = (description: string) =>
  v.pipe(
    v.string(),
    v.description(description),
    v.regex(/^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}$/, ULID),
    v.toUpperCase(),
    v.check(isUlid, ULID),
  );

/** False for a day that no month has, which `Date` takes for the next month's, and for times that no event can have. */
export function isEventTime(text: string): boolean {
  const day = text.slice(0, 10);
  const midnight = new Date(day);
  return new Date(text).getTime() >= 0 && !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day);
}

export const NO_EVENT_TIME = "is no time since 1970";

export const queryTime = (description: string) =>
  v.pipe(
    v.string(),
    v.description(description),
    v.examples(["2026-01-31T12:00:00Z"]),
    v.isoTimestamp("is no time like 2026-01-31T12:00:00Z"),
    v.check(isEventTime, NO_EVENT_TIME),
    v.transform((text) => new Date(text)),
  );

export const queryFlag = (description: string) =>
  v.pipe(
    v.picklist(["true", "false"], "is neither true nor false"),
    v.description(description),
    v.transform((text) => text === "true"),
  );

/** Rows of a page. */
export const Limit = v.optional(
  v.pipe(
    v.string(),
    v.regex(/^\d{1,4}$/, "is no number from 1 to 200"),
    v.description("Rows of a page"),
    v.metadata({ type: "integer", pattern: undefined, minimum: 1, maximum: 200 }),
    v.transform(Number),
    v.minValue(1, "is no number from 1 to 200"),
    v.maxValue(200, "is no number from 1 to 200"),
  ),
  "50",
);

/** Duration text to milliseconds. */
export const Wait = v.pipe(
  v.string(),
  // Before it is changed: of a value that has become undefined it would be said that it is missing.
  v.check((text) => waitMs(text) !== undefined, "is no duration: write 10s"),
  v.transform((text) => waitMs(text) ?? 0),
  v.maxValue(WAIT_MAX_MS, "is longer than 60s"),
);

function waitMs(text: string): number | undefined {
  return text === "0" || text === "0s" ? 0 : durationMs(text);
}
