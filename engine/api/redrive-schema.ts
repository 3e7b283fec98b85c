import * as v from "valibot";

import { isEventTime, NO_EVENT_TIME, QueryText } from "./query-schema.ts";
import { Time } from "./saga-schema.ts";
import { Reason } from "./verb-schema.ts";

/** Messages that can be named one by one. */
const IDS_MAX = 1_000;

const text = (what: string, example: string) =>
  v.optional(v.pipe(QueryText, v.description(what), v.examples([example])));
const time = (what: string) =>
  v.optional(
    v.pipe(
      v.string(),
      v.isoTimestamp("is no time like 2026-01-31T12:00:00Z"),
      v.check(isEventTime, NO_EVENT_TIME),
      v.description(what),
    ),
  );

export const RedriveFilter = v.pipe(
  v.strictObject({
    group: text("The consumer group that failed", "screening"),
    errorCode: text("Its error code", "exception"),
    definition: text("Name of the saga's definition", "onboarding"),
    topic: text("Topic", "screening.examine"),
    action: text("The handler", "examine"),
    failedAfter: time("Failed at or after it"),
    failedBefore: time("Failed before it"),
  }),
  v.check(
    (filter) => Object.values(filter).some((value) => value !== undefined),
    "names nothing: it would be everything that ever failed",
  ),
  v.description("Which failed messages: all that is given must hold"),
);

export const RedriveRequest = v.pipe(
  v.strictObject({
    filter: v.optional(RedriveFilter),
    messageIds: v.optional(
      v.pipe(
        v.array(v.pipe(v.string(), v.toUpperCase(), v.regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/, "is no ULID"))),
        v.minLength(1, "is empty"),
        v.maxLength(IDS_MAX, `holds more than ${IDS_MAX} ids`),
        v.description("Messages by id, instead of a filter"),
      ),
    ),
    reason: v.optional(Reason),
    ratePerSecond: v.optional(
      v.pipe(
        v.number("must be a number"),
        v.minValue(0.1, "is less than 0.1"),
        v.maxValue(1000, "is more than 1000"),
        v.description("Messages sent a second, at most"),
      ),
      10,
    ),
    stopAfterErrors: v.optional(
      v.pipe(
        v.number("must be a number"),
        v.integer("is no whole number"),
        v.minValue(1, "is less than 1"),
        v.maxValue(1000, "is more than 1000"),
        v.description("Failures in a row that stop it"),
      ),
      3,
    ),
    preview: v.optional(v.pipe(v.boolean(), v.description("true: counts and shows some, sends nothing")), false),
  }),
  v.check(
    ({ filter, messageIds }) => (filter === undefined) !== (messageIds === undefined),
    "must have either a filter or messageIds",
  ),
  v.check(({ reason, preview }) => preview || reason !== undefined, "must have a reason, unless it is a preview"),
  v.description("Sends failed messages again: one first, the rest when it was consumed without error"),
);

const count = (what: string) => v.pipe(v.number(), v.integer(), v.description(what), v.examples([0]));

export const RedriveSample = v.pipe(
  v.strictObject({
    group: v.pipe(v.string(), v.description("The group that failed"), v.examples(["screening"])),
    messageId: v.pipe(v.string(), v.description("ULID of the message")),
    topic: v.pipe(v.string(), v.description("Topic"), v.examples(["screening.examine"])),
    saga: v.pipe(v.nullable(v.string()), v.description("Name of the saga's definition"), v.examples(["onboarding"])),
    errorCode: v.pipe(v.string(), v.description("Why it failed"), v.examples(["exception"])),
  }),
  v.description("A failed message that fits"),
);

export const RedrivePreview = v.pipe(
  v.strictObject({
    preview: v.pipe(v.literal(true), v.description("Nothing was sent")),
    total: count("Messages that would be sent, of each step its newest attempt"),
    settled: count("Failed as well, but their step is settled: sent again, nothing would run, so they are left out"),
    sample: v.pipe(v.array(RedriveSample), v.description("The first of them")),
  }),
  v.description("What a redrive would send"),
);

export const Redrive = v.pipe(
  v.strictObject({
    redriveId: v.pipe(v.string(), v.description("ULID"), v.examples(["01KAS0CW5X2V7J4H8N6D3Q1RTB"])),
    status: v.pipe(
      v.picklist(["first", "running", "waiting", "stopped", "done"]),
      v.description(
        "first: one message is out, its end decides; running; waiting: it stopped itself, a person goes on or stops; stopped: by a person; done",
      ),
    ),
    problem: v.pipe(v.nullable(v.string()), v.description("Why it stopped itself")),
    selection: v.pipe(v.unknown(), v.description("What was asked for: {filter} or {messageIds}")),
    reason: v.string(),
    actor: v.pipe(v.string(), v.description("Who asked")),
    ratePerSecond: v.pipe(v.number(), v.description("Messages sent a second, at most")),
    stopAfterErrors: count("Failures in a row that stop it"),
    total: count("Messages"),
    waiting: count("Not sent yet"),
    sent: count("Sent, their end not seen yet"),
    done: count("Consumed without error"),
    failed: count("Failed again"),
    closed: count("The saga has given them up"),
    createdAt: Time,
    finishedAt: v.pipe(v.nullable(Time), v.description("When nothing more was sent or awaited")),
  }),
  v.description("A redrive of many messages"),
);

export const RedriveItem = v.pipe(
  v.strictObject({
    position: v.pipe(v.number(), v.integer(), v.description("Place in the order of sending"), v.examples([1])),
    group: v.pipe(v.string(), v.description("The group that failed"), v.examples(["screening"])),
    messageId: v.pipe(v.string(), v.description("ULID of the message")),
    status: v.pipe(
      v.picklist(["waiting", "sent", "done", "failed", "closed"]),
      v.description("waiting, sent, done, failed (again) or closed (the saga has given it up)"),
    ),
    republishId: v.pipe(v.nullable(v.string()), v.description("ULID of the sending")),
    errorCode: v.pipe(v.nullable(v.string()), v.description("How it ended, when not well")),
    sentAt: v.pipe(v.nullable(Time), v.description("When it was sent again")),
    settledAt: v.pipe(v.nullable(Time), v.description("When its end was seen")),
  }),
  v.description("A message of a redrive and what became of it"),
);

const nextCursor = v.pipe(v.nullable(v.string()), v.description("`cursor` of the next page; null: this was the last"));

export const RedriveDetail = v.pipe(
  v.strictObject({
    ...Redrive.entries,
    items: v.pipe(v.array(RedriveItem), v.description("A page of its messages, in the order of sending")),
    nextCursor,
  }),
  v.description("A redrive with a page of its messages"),
);

export const RedriveList = v.pipe(
  v.strictObject({ items: v.array(Redrive), nextCursor }),
  v.description("Redrives, newest first"),
);
