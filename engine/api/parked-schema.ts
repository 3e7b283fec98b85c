import * as v from "valibot";

import { SagaError, Time } from "./saga-schema.ts";

const nextCursor = v.pipe(v.nullable(v.string()), v.description("`cursor` of the next page; null: this was the last"));

export const ParkedGroup = v.pipe(
  v.strictObject({
    groupId: v.pipe(v.string(), v.description("Names the group in GET /v1/parked/{groupId}")),
    definition: v.pipe(v.string(), v.description("Name of the definition"), v.examples(["onboarding"])),
    step: v.pipe(
      v.nullable(v.string()),
      v.description("Path of the step, without the numbers of items; null: no single step"),
      v.examples(["screen"]),
    ),
    consumerGroup: v.pipe(
      v.nullable(v.string()),
      v.description("The consumer group that ran the step, or should have; null: it sends no message"),
      v.examples(["screening"]),
    ),
    error: v.pipe(v.nullable(SagaError), v.description("Why its newest saga is parked")),
    pattern: v.pipe(
      v.nullable(v.string()),
      v.description("Their message with … for what differs from saga to saga; null: all say the same"),
      v.examples(["an amount of … is over …"]),
    ),
    sagas: v.pipe(v.number(), v.integer(), v.description("How many are parked so"), v.examples([3])),
    firstAt: v.pipe(Time, v.description("When the first of them was parked, or last touched")),
    lastAt: v.pipe(Time, v.description("When the last of them was")),
    newestSagaId: v.pipe(v.string(), v.description("The newest of them")),
  }),
  v.description(
    "Parked sagas of one definition that stopped at the same step of the same consumer group for the same reason",
  ),
);

export const ParkedGroupList = v.pipe(
  v.strictObject({
    items: v.array(ParkedGroup),
    nextCursor: v.pipe(v.null(), v.description("Always null: the 200 largest groups are one page")),
  }),
  v.description("Groups of parked sagas, largest first"),
);

export const RetryingGroup = v.pipe(
  v.strictObject({
    ...ParkedGroup.entries,
    groupId: v.pipe(v.string(), v.description("Names the group in GET /v1/sagas?retryingGroup={groupId}")),
    error: v.pipe(v.nullable(SagaError), v.description("Why the last attempt of its newest saga failed")),
    sagas: v.pipe(v.number(), v.integer(), v.description("How many wait for their next attempt so"), v.examples([3])),
    firstAt: v.pipe(Time, v.description("When the first of them reached the step")),
    lastAt: v.pipe(Time, v.description("When the last of them was touched")),
  }),
  v.description("Sagas of one definition at the same step of the same consumer group, tried again for the same reason"),
);

export const RetryingGroupList = v.pipe(
  v.strictObject({
    items: v.array(RetryingGroup),
    nextCursor: v.pipe(v.null(), v.description("Always null: the 200 largest groups are one page")),
  }),
  v.description("Groups of sagas that wait for their next attempt, largest first"),
);

export const ParkedSaga = v.pipe(
  v.strictObject({
    sagaId: v.string(),
    key: v.pipe(v.nullable(v.string()), v.description("Business key")),
    step: v.pipe(v.nullable(v.string()), v.description("Path of the step it is parked at")),
    error: v.nullable(SagaError),
    parkedAt: v.pipe(Time, v.description("When it was parked, or last touched")),
    messageId: v.pipe(
      v.nullable(v.string()),
      v.description("The newest command or compensation of that step; null: it sends none"),
    ),
    action: v.pipe(v.nullable(v.string()), v.description("Which handler runs it"), v.examples(["screening.examine"])),
    topic: v.pipe(v.nullable(v.string()), v.description("Where it was sent")),
    inError: v.pipe(v.boolean(), v.description("A consumer group has that message in error: it can be redriven")),
    consumerGroup: v.pipe(v.nullable(v.string()), v.description("That group"), v.examples(["screening"])),
  }),
  v.description("A parked saga"),
);

export const ParkedSagaList = v.pipe(
  v.strictObject({ items: v.array(ParkedSaga), nextCursor }),
  v.description("Sagas of a group, newest first"),
);
