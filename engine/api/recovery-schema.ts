import * as v from "valibot";

import { isEventTime, Limit, NO_EVENT_TIME, QueryText, queryUlid } from "./query-schema.ts";
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

export const RebuildReport = v.pipe(
  v.strictObject({
    id: v.pipe(v.string(), v.description("Of the rebuild")),
    group: v.pipe(v.string(), v.examples(["application.standing"])),
    state: v.picklist(["asked", "running", "done", "failed"]),
    events: v.pipe(v.number(), v.description("Events applied so far")),
    share: v.pipe(v.number(), v.description("How far it is, 0 to 1")),
    code: v.pipe(
      v.nullable(v.string()),
      v.description("Kind of what failed: `sql_<SQLSTATE>`, `exception`, or the code of a refusal"),
      v.examples(["sql_22P02"]),
    ),
    problem: v.pipe(
      v.nullable(v.string()),
      v.description("Why it failed, what stands in the events masked; the read model is as it was"),
    ),
    askedAt: Time,
    finishedAt: v.nullable(Time),
  }),
  v.description("A rebuild of a projection"),
);

/** Sagas folded at once by one call. */
const PARALLEL_MAX = 8;

export const VerifyQuery = v.strictObject({
  saga: v.optional(queryUlid("Only this saga")),
  parallel: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^[1-8]$/, "is no number from 1 to 8"),
      v.description("Sagas folded at once"),
      v.metadata({ type: "integer", pattern: undefined, minimum: 1, maximum: PARALLEL_MAX }),
      v.transform(Number),
    ),
    "4",
  ),
  limit: Limit,
  cursor: v.optional(v.pipe(QueryText, v.description("`nextCursor` of the page before"))),
});

const sagaOf = {
  sagaId: v.pipe(v.string(), v.examples(["01KAS0CW5V8XJQ6Z3T4M7N9PRD"])),
  definition: v.pipe(v.string(), v.examples(["onboarding"])),
};

export const VerifyReport = v.pipe(
  v.strictObject({
    checked: v.pipe(v.number(), v.description("Sagas looked at in this page")),
    differences: v.array(
      v.strictObject({
        ...sagaOf,
        event: v.pipe(v.nullable(v.string()), v.description("The event that wrote the field last; null: none did")),
        field: v.pipe(v.string(), v.examples(["steps.screen.status"])),
        folded: v.pipe(v.string(), v.description("What the events make of it, as JSON; `***` if it may be sensitive")),
        stored: v.pipe(v.string(), v.description("What stands in the table")),
      }),
    ),
    unverifiable: v.array(
      v.strictObject({ ...sagaOf, reason: v.pipe(v.string(), v.description("Why it cannot be folded")) }),
    ),
    share: v.pipe(v.number(), v.description("How far this page is among all sagas, 0 to 1")),
    nextCursor: v.pipe(v.nullable(v.string()), v.description("`cursor` of the next page; null: this was the last")),
  }),
  v.description("Sagas folded from their events and compared with what is stored"),
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
