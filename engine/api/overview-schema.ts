import * as v from "valibot";

import { PausedGroup, Time } from "./saga-schema.ts";

const count = (what: string) => v.pipe(v.number(), v.integer(), v.description(what), v.examples([0]));
const ms = (what: string) => v.pipe(v.nullable(v.number()), v.description(what));

export const OverviewDefinition = v.pipe(
  v.strictObject({
    definition: v.pipe(v.string(), v.description("Name of the definition"), v.examples(["onboarding"])),
    running: count("Open and going forward"),
    compensating: count("Open and being undone"),
    parked: count("Waiting for a person"),
    completed: count("Completed in the last hour"),
    failed: count("Failed in the last hour"),
    cancelled: count("Cancelled in the last hour"),
    terminated: count("Terminated in the last hour"),
  }),
  v.description("How the sagas of a definition stand"),
);

export const OverviewMinute = v.pipe(
  v.strictObject({
    at: v.pipe(Time, v.description("When the minute began")),
    started: count("Sagas that began in it"),
    completed: count("Sagas that completed in it"),
    ended: count("Sagas that ended in it in another way"),
  }),
  v.description("A minute of the last hour"),
);

export const Overview = v.pipe(
  v.strictObject({
    startedPerSecond: v.pipe(v.number(), v.description("Sagas that began, a second, over the last whole minute")),
    completedPerSecond: v.pipe(v.number(), v.description("Sagas that completed, likewise")),
    p50Ms: ms("Half of the newest 1,000 sagas that have ended took no longer; null: none has"),
    p95Ms: ms("95 of 100 of them took no longer"),
    running: count("Open and going forward"),
    compensating: count("Open and being undone"),
    parked: count("Waiting for a person"),
    retrying: count("Waiting for the next attempt of a step"),
    oldest: v.pipe(
      v.nullable(v.strictObject({ sagaId: v.string(), startedAt: Time })),
      v.description("The oldest saga that has not ended; null: all have"),
    ),
    pausedGroups: v.optional(
      v.pipe(
        v.array(PausedGroup),
        v.description("Consumer groups that are paused; absent for a key that is for some definitions"),
      ),
    ),
    definitions: v.array(OverviewDefinition),
    minutes: v.pipe(
      v.array(OverviewMinute),
      v.description(
        "The last hour, oldest first; after a start of the engine older minutes are counted within a few calls",
      ),
    ),
  }),
  v.description("How all sagas stand"),
);
