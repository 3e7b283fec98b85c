import * as v from "valibot";

import { isEventTime, NO_EVENT_TIME } from "./query-schema.ts";
import { Time } from "./saga-schema.ts";
import { Reason } from "./verb-schema.ts";

const time = (description: string) =>
  v.optional(
    v.pipe(
      v.string(),
      v.description(description),
      v.examples(["2026-01-31T12:00:00Z"]),
      v.isoTimestamp("is no time like 2026-01-31T12:00:00Z"),
      v.check(isEventTime, NO_EVENT_TIME),
    ),
  );

export const RepublishRequest = v.pipe(
  v.strictObject({
    since: time("Written at or after it"),
    until: time("Written before it"),
    saga: v.optional(
      v.pipe(
        v.string(),
        v.toUpperCase(),
        v.regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/, "is no ULID"),
        v.description("Of this saga"),
      ),
    ),
    topic: v.optional(
      v.pipe(v.string(), v.regex(/^[A-Za-z0-9._-]{1,249}$/, "is no topic name"), v.examples(["screening.examine"])),
    ),
    missingOnly: v.optional(
      v.pipe(v.boolean(), v.description("True: only requests that a group which must consume them has not consumed")),
    ),
    preview: v.optional(v.pipe(v.boolean(), v.description("True: counts, and sends nothing"))),
    reason: v.optional(Reason),
  }),
  v.check(
    ({ preview, reason }) => preview === true || reason !== undefined,
    "needs a reason, which stands in the audit; only a preview does without",
  ),
  v.check(
    ({ since, until, saga, topic, missingOnly }) =>
      [since, until, saga, topic].some((value) => value !== undefined) || missingOnly === true,
    "must say which: since, until, saga, topic, or missingOnly: true; everything there is: since 1970-01-01T00:00:00Z",
  ),
  v.description("Which requests to send again from the event store; all that is given must hold"),
);

const count = (description: string) => v.pipe(v.number(), v.description(description));

export const RepublishReport = v.pipe(
  v.strictObject({
    id: v.pipe(v.nullable(v.string()), v.description("Of the run; null: a preview, of which nothing is kept")),
    state: v.pipe(
      v.picklist(["running", "done", "counted", "counting"]),
      v.description("`counted`: a preview; `counting`: a preview whose time was up, there may be more"),
    ),
    scanned: count("Requests looked at"),
    sent: count("Requests that were, or would be, sent again"),
    topics: v.array(v.strictObject({ topic: v.string(), messages: v.number() })),
    share: count("How far it is, 0 to 1"),
    askedAt: Time,
    finishedAt: v.nullable(Time),
  }),
  v.description("A republishing"),
);
