import * as v from "valibot";

import { Time } from "./saga-schema.ts";

export const Consumption = v.pipe(
  v.strictObject({
    group: v.pipe(v.string(), v.description("Consumer group"), v.examples(["screening"])),
    partition: v.pipe(v.nullable(v.number()), v.description("Partition; null until the transport delivered it")),
    offset: v.pipe(v.nullable(v.number()), v.description("Offset; null until the transport delivered it")),
    consumer: v.pipe(v.string(), v.description("Who: host and pid")),
    recordedAt: v.pipe(v.nullable(Time), v.description("Record time in the transport")),
    receivedAt: v.pipe(v.nullable(Time), v.description("When the consumer got it")),
    startedAt: v.pipe(Time, v.description("When the newest claim began")),
    consumedAt: v.pipe(
      v.nullable(Time),
      v.description("When it ended; null: it runs, an external call was cut, or a notification waits for its next try"),
    ),
    attempts: v.pipe(v.number(), v.description("How often it was claimed"), v.examples([1])),
    error: v.pipe(v.boolean(), v.description("True: it failed and may be taken up again"), v.examples([false])),
    errorCode: v.pipe(
      v.nullable(v.string()),
      v.description(
        "Why it failed; `step.closed`: the saga had given the step up; `message.superseded`: an edited one replaces it; `message.skipped`: the group was told to pass over it; without an error at the dispatcher, `saga.…`: why a request that was only recorded had no effect",
      ),
    ),
    errorMessage: v.pipe(
      v.nullable(v.string()),
      v.description("Why it failed, in words; `***` for who may not read payloads"),
    ),
    sequence: v.pipe(
      v.nullable(v.number()),
      v.description("Dispatcher: number of the transition it caused; null: none"),
    ),
    foreignId: v.pipe(
      v.nullable(v.string()),
      v.description("Own id of a message that the event store did not ask for"),
    ),
  }),
  v.description("What one consumer group did with a message"),
);

export const ConsumptionFailure = v.pipe(
  v.strictObject({
    group: v.pipe(v.string(), v.description("Consumer group")),
    attempt: v.pipe(v.number(), v.description("At which claim"), v.examples([1])),
    partition: v.nullable(v.number()),
    offset: v.nullable(v.number()),
    consumer: v.pipe(v.string(), v.description("Who: host and pid")),
    failedAt: Time,
    code: v.pipe(v.string(), v.description("Error code"), v.examples(["failed"])),
    message: v.pipe(v.string(), v.description("Error message; `***` for who may not read payloads")),
    stack: v.pipe(v.nullable(v.string()), v.description("Stack trace; null for who may not read payloads")),
  }),
  v.description("One failure of a consumption; a later success erases nothing here"),
);

export const Message = v.pipe(
  v.strictObject({
    messageId: v.pipe(v.string(), v.description("ULID of the message"), v.examples(["01KAS0CW5W3H9E6P0R8B2D4FGT"])),
    sagaId: v.pipe(v.nullable(v.string()), v.description("The saga; null for a foreign message")),
    causationId: v.pipe(v.nullable(v.string()), v.description("The message that caused this one")),
    topic: v.pipe(v.string(), v.description("Where it goes"), v.examples(["screening.examine"])),
    key: v.pipe(v.nullable(v.string()), v.description("Kafka key: the saga id")),
    type: v.pipe(v.nullable(v.string()), v.description("What it is"), v.examples(["step.requested"])),
    saga: v.pipe(v.nullable(v.string()), v.description("Name of the saga's definition"), v.examples(["onboarding"])),
    stepKey: v.pipe(v.nullable(v.string()), v.description("The step that is asked for or answered")),
    action: v.pipe(v.nullable(v.string()), v.description("Which handler runs"), v.examples(["screening.examine"])),
    attempt: v.pipe(v.nullable(v.number()), v.description("Attempt of the step"), v.examples([1])),
    traceparent: v.pipe(v.nullable(v.string()), v.description("W3C trace context")),
    producer: v.pipe(v.nullable(v.string()), v.description("Who asked: role and host; null for a foreign message")),
    requestedAt: v.pipe(v.nullable(Time), v.description("When it was written; null for a foreign message")),
    headers: v.pipe(v.unknown(), v.description("Further headers")),
    body: v.optional(
      v.pipe(
        v.unknown(),
        v.description("The body; sensitive values are `***`. Absent: the timeline was read with `bodies=false`"),
      ),
    ),
    late: v.pipe(
      v.boolean(),
      v.description("True: an answer that came after its step was settled; kept, without effect"),
    ),
    consumptions: v.array(Consumption),
    failures: v.array(ConsumptionFailure),
  }),
  v.description("A message: who asked for it, when, what, where, and what became of it"),
);

const nextCursor = v.pipe(v.nullable(v.string()), v.description("`cursor` of the next page; null: this was the last"));

export const MessageList = v.pipe(
  v.strictObject({ items: v.array(Message), nextCursor }),
  v.description("Messages, newest first"),
);

export const Timeline = v.pipe(
  v.strictObject({
    items: v.array(Message),
    nextCursor,
    previousCursor: v.pipe(
      v.nullable(v.string()),
      v.description("`cursor` of the page before; null: this was the first"),
    ),
  }),
  v.description("Every message of a saga, oldest first"),
);

export const EditPreview = v.pipe(
  v.strictObject({
    preview: v.pipe(v.literal(true), v.description("Nothing was sent")),
    messageId: v.pipe(v.string(), v.description("The message that would be replaced")),
    action: v.pipe(v.string(), v.description("The handler that would run"), v.examples(["screening.examine"])),
    schemaKnown: v.pipe(
      v.boolean(),
      v.description("False: no process has told of this handler's input yet, only the handler itself can check it"),
    ),
  }),
  v.description("An edited body that would be taken"),
);

export const Dismissed = v.pipe(
  v.strictObject({
    messageId: v.pipe(v.string(), v.description("The message")),
    groups: v.pipe(v.array(v.string()), v.description("Groups that had it in error; empty: none has")),
  }),
  v.description("A failed message that needs nothing any more"),
);

export const Redriven = v.pipe(
  v.strictObject({
    messageId: v.pipe(v.string(), v.description("The message that was sent again")),
    republishId: v.pipe(
      v.nullable(v.string()),
      v.description("ULID of this sending; null: it was replaced by an edited one"),
    ),
    supersededBy: v.pipe(
      v.nullable(v.string()),
      v.description("ULID of the message that replaces it, with the edited body"),
    ),
    doneBy: v.pipe(v.array(v.string()), v.description("Groups that have consumed it, and skip it")),
    settled: v.pipe(
      v.boolean(),
      v.description("The step of this command is settled: it is answered with what stands, and nothing runs"),
    ),
  }),
  v.description("A message that was sent again, or replaced"),
);
