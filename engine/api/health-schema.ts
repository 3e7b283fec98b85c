import * as v from "valibot";

export const Live = v.pipe(v.strictObject({ status: v.literal("live") }), v.description("The process answers"));

export const HealthPart = v.pipe(
  v.strictObject({
    part: v.pipe(v.string(), v.examples(["dispatcher"])),
    ok: v.boolean(),
    detail: v.string(),
    hint: v.optional(v.pipe(v.string(), v.description("What to do, when not ok"))),
  }),
  v.description("One part of the engine"),
);

export const HealthLoad = v.pipe(
  v.strictObject({
    name: v.pipe(v.string(), v.examples(["ekiden_starts_waiting"])),
    labels: v.pipe(v.record(v.string(), v.string()), v.examples([{ group: "dispatcher" }])),
    now: v.pipe(v.number(), v.description("How much of it there is in this process")),
    limit: v.pipe(v.number(), v.description("How much there may be")),
    hits: v.pipe(v.number(), v.description("How often something was refused or put off at the limit")),
  }),
  v.description("Something that this process bounds; docs/OPERATIONS.md lists all of them"),
);

export const HealthReport = v.pipe(
  v.strictObject({ ready: v.boolean(), parts: v.array(HealthPart), load: v.array(HealthLoad) }),
  v.description("Whether the engine does its work"),
);
