import * as v from "valibot";

import { isEventTime, NO_EVENT_TIME } from "./query-schema.ts";

/** Why a person does something. */
export const Reason = v.pipe(
  v.string("must be a text"),
  v.trim(),
  v.minLength(1, "is empty"),
  v.maxLength(1000, "is longer than 1,000 characters"),
  v.description("Why; it stands in the audit and on the timeline"),
  v.examples(["points table mended"]),
);

/** Body of verbs that a person must justify. */
export const Reasoned = v.pipe(v.strictObject({ reason: Reason }), v.description("Why it is done"));

/** Body of verbs whose reason may stay away. */
export const MaybeReasoned = v.pipe(v.strictObject({ reason: v.optional(Reason) }), v.description("Why it is done"));

export const RetryRequest = v.pipe(
  v.strictObject({
    step: v.optional(
      v.pipe(
        v.string(),
        v.minLength(1),
        v.maxLength(500),
        v.description("Path of the parked step; without it the one that is parked"),
      ),
    ),
    reason: Reason,
  }),
  v.description("Runs a parked step again, its attempts counted from the start"),
);

const Partition = v.pipe(
  v.number("must be a number"),
  v.integer(),
  v.minValue(0),
  v.maxValue(2_147_483_647),
  v.description("Partition"),
  v.examples([0]),
);
const reason = v.optional(Reason);

/** Where to rewind to: exactly one of the four. */
export const RewindRequest = v.pipe(
  v.union(
    [
      v.strictObject({
        topic: v.pipe(
          v.string(),
          v.regex(/^[A-Za-z0-9._-]{1,249}$/, "is no topic name"),
          v.examples(["screening.examine"]),
        ),
        partition: Partition,
        offset: v.pipe(
          v.number(),
          v.safeInteger(),
          v.minValue(0),
          v.description("The next offset to consume"),
          v.examples([0]),
        ),
        reason,
      }),
      v.strictObject({
        messageId: v.pipe(
          v.string(),
          v.toUpperCase(),
          v.regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/, "is no ULID"),
          v.description("The next message to consume"),
        ),
        reason,
      }),
      v.strictObject({
        timestamp: v.pipe(
          v.string(),
          v.isoTimestamp("is no time like 2026-01-31T12:00:00Z"),
          v.check(isEventTime, NO_EVENT_TIME),
          v.description("The first message recorded at or after it"),
        ),
        reason,
      }),
      v.strictObject({
        firstError: v.pipe(v.literal(true), v.description("The oldest message in error whose step is not settled")),
        reason,
      }),
    ],
    "must be one of {topic, partition, offset}, {messageId}, {timestamp} or {firstError: true}, each with an optional reason",
  ),
  v.description("Where to rewind to"),
);
