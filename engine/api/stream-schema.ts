import * as v from "valibot";

import { SagaStatus, Time } from "./saga-schema.ts";

export const StreamEvent = v.pipe(
  v.strictObject({
    kind: v.pipe(
      v.picklist(["recorded", "applied"]),
      v.description("`recorded`: the message was written; `applied`: it moved the saga"),
    ),
    messageId: v.pipe(v.string(), v.description("ULID of the message"), v.examples(["01KAS0CW5W3H9E6P0R8B2D4FGT"])),
    sagaId: v.pipe(v.string(), v.description("The saga"), v.examples(["01KAS0CW5V8XJQ6Z3T4M7N9PRD"])),
    definition: v.pipe(
      v.nullable(v.string()),
      v.description("Its definition; null while a child is only asked for"),
      v.examples(["onboarding"]),
    ),
    type: v.pipe(v.nullable(v.string()), v.description("What the message is"), v.examples(["step.succeeded"])),
    step: v.pipe(v.nullable(v.string()), v.description("Path of the step that it is about"), v.examples(["screen"])),
    action: v.pipe(v.nullable(v.string()), v.description("Which handler runs"), v.examples(["screening.examine"])),
    attempt: v.pipe(v.nullable(v.number()), v.description("Attempt of the step"), v.examples([1])),
    sequence: v.pipe(v.nullable(v.number()), v.description("Number of the saga's transition; null: recorded")),
    status: v.pipe(v.nullable(SagaStatus), v.description("The saga's status after the transition; null: recorded")),
    error: v.pipe(
      v.nullable(v.strictObject({ code: v.string(), message: v.nullable(v.string()) })),
      v.description("Why it was rejected, failed or parked, sensitive values masked; null: it was not"),
    ),
    at: v.pipe(Time, v.description("When it was recorded, or applied")),
  }),
  v.description("One event of a stream: a message was recorded, or it moved its saga"),
);
