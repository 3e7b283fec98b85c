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

export const HealthReport = v.pipe(
  v.strictObject({ ready: v.boolean(), parts: v.array(HealthPart) }),
  v.description("Whether the engine does its work"),
);
