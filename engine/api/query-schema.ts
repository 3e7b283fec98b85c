import * as v from "valibot";

import { durationMs } from "../definition/duration.ts";
import { isUlid } from "../timeline/ids.ts";

/** Longest `wait`, in milliseconds. */
export const WAIT_MAX_MS = 60_000;

/** Text for a query: what PostgreSQL cannot hold is refused here. */
export const QueryText = v.pipe(
  v.string(),
  v.minLength(1, "is empty"),
  v.maxLength(500, "is longer than 500 characters"),
  v.check((text) => !text.includes("\u0000") && text.isWellFormed(), "holds a character that no text may have"),
);

export const QueryUlid = v.pipe(v.string(), v.toUpperCase(), v.check(isUlid, "is no ULID"));

export const QueryTime = v.pipe(
  v.string(),
  v.isoTimestamp("is no time like 2026-01-31T12:00:00Z"),
  v.transform((text) => new Date(text)),
  v.check((time) => time.getTime() >= 0, "is no time since 1970"),
);

export const QueryFlag = v.pipe(
  v.picklist(["true", "false"], "is neither true nor false"),
  v.transform((text) => text === "true"),
);

/** Rows of a page. */
export const Limit = v.optional(
  v.pipe(
    v.string(),
    v.regex(/^\d{1,4}$/, "is no number from 1 to 200"),
    v.transform(Number),
    v.minValue(1, "is no number from 1 to 200"),
    v.maxValue(200, "is no number from 1 to 200"),
  ),
  "50",
);

/** Duration text to milliseconds. */
export const Wait = v.pipe(
  v.string(),
  v.transform((text) => (text === "0" || text === "0s" ? 0 : durationMs(text))),
  v.number("is no duration like 10s"),
  v.maxValue(WAIT_MAX_MS, "is longer than 60s"),
);
