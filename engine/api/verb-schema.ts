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

export const MessageRedriveRequest = v.pipe(
  v.strictObject({
    reason: v.optional(Reason),
    body: v.optional(
      v.pipe(
        v.unknown(),
        v.description("The body, edited: {input}. A new message replaces this one"),
        v.examples([{ input: { amount: 12 } }]),
      ),
    ),
    preview: v.optional(
      v.pipe(v.boolean(), v.description("true: says whether the edited body fits, and sends nothing")),
      false,
    ),
  }),
  v.check(({ reason, preview }) => preview || reason !== undefined, "must have a reason, unless it is a preview"),
  v.check(({ body, preview }) => !preview || body !== undefined, "has no body: there is nothing to preview"),
  v.description("Why a message is sent again, and its body where a person has edited it"),
);

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

const ParkedStep = v.pipe(
  v.string("must be a text"),
  v.minLength(1, "is empty"),
  v.maxLength(500, "is longer than 500 characters"),
  v.description("Path of the parked step"),
  v.examples(["screen"]),
);

export const SkipRequest = v.pipe(
  v.strictObject({ step: ParkedStep, reason: Reason }),
  v.description("Leaves a parked step out"),
);

export const ResolveRequest = v.pipe(
  v.strictObject({
    step: ParkedStep,
    result: v.optional(
      v.pipe(v.unknown(), v.description("What the step would have answered; of a compensation it may stay away")),
    ),
    reason: Reason,
  }),
  v.description("Says how a parked step has ended"),
);

const Partition = v.pipe(
  v.number("must be a number"),
  v.integer(),
  v.minValue(0),
  v.maxValue(2_147_483_647),
  v.description("Partition"),
  v.examples([0]),
);
const Topic = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9._-]{1,249}$/, "is no topic name"),
  v.description("Topic"),
  v.examples(["screening.examine"]),
);
const reason = v.optional(Reason);
const leaveExpired = v.exactOptional(
  v.pipe(
    v.boolean(),
    v.description("true: what the topic holds no more is left out; else a rewind that would read it is refused"),
  ),
);
/** Only one topic, or one partition of it. */
const narrowed = { topic: v.optional(Topic), partition: v.optional(Partition), leaveExpired, reason };

/** Where to rewind to: exactly one of the four. */
export const RewindRequest = v.pipe(
  v.union(
    [
      v.strictObject({
        topic: Topic,
        partition: Partition,
        offset: v.pipe(
          v.number(),
          v.safeInteger(),
          v.minValue(0),
          v.description("The next offset to consume"),
          v.examples([0]),
        ),
        skip: v.exactOptional(
          v.pipe(
            v.boolean(),
            v.description("true: may pass over messages that the group has not consumed; it never sees them"),
          ),
        ),
        leaveExpired,
        reason,
      }),
      v.strictObject({
        messageId: v.pipe(
          v.string(),
          v.toUpperCase(),
          v.regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/, "is no ULID"),
          v.description("The next message to consume"),
        ),
        ...narrowed,
      }),
      v.strictObject({
        timestamp: v.pipe(
          v.string(),
          v.isoTimestamp("is no time like 2026-01-31T12:00:00Z"),
          v.check(isEventTime, NO_EVENT_TIME),
          v.description("The first message recorded at or after it"),
        ),
        ...narrowed,
      }),
      v.strictObject({
        firstError: v.pipe(v.literal(true), v.description("The oldest message in error whose step is not settled")),
        ...narrowed,
      }),
    ],
    "must be one of {topic, partition, offset}, {messageId}, {timestamp} or {firstError: true}, each with a reason, the last three with a topic, or a topic and a partition",
  ),
  v.check(
    ({ topic, partition }) => partition === undefined || topic !== undefined,
    "must name the topic of the partition",
  ),
  v.description("Where to rewind to"),
);
