import * as v from "valibot";

import { Time } from "./saga-schema.ts";

export const AuditEntry = v.pipe(
  v.strictObject({
    id: v.pipe(v.string(), v.description("ULID of the entry"), v.examples(["01KAS0CW5W3H9E6P0R8B2D4FGT"])),
    at: v.pipe(Time, v.description("When")),
    actor: v.pipe(v.string(), v.description("Who"), v.examples(["local"])),
    action: v.pipe(v.string(), v.description("What was done"), v.examples(["group.rewind"])),
    target: v.pipe(
      v.string(),
      v.description("To what: a saga, a message, a consumer group"),
      v.examples(["screening"]),
    ),
    reason: v.pipe(v.nullable(v.string()), v.description("Why")),
    before: v.pipe(v.unknown(), v.description("How it was")),
    after: v.pipe(v.unknown(), v.description("How it is")),
  }),
  v.description("What an operator did; written in the transaction of the action itself"),
);

export const AuditList = v.pipe(
  v.strictObject({
    items: v.array(AuditEntry),
    nextCursor: v.pipe(v.nullable(v.string()), v.description("`cursor` of the next page; null: this is the last")),
  }),
  v.description("Actions of operators, newest first"),
);
