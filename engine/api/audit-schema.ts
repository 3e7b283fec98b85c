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

export const AuditVerification = v.pipe(
  v.strictObject({
    whole: v.pipe(v.boolean(), v.description("True: nothing was changed, taken out or slipped in")),
    rows: v.pipe(v.number(), v.integer(), v.description("Actions in the chain"), v.examples([412])),
    head: v.pipe(
      v.nullable(v.string()),
      v.description(
        "`<position>:<hash>` of the newest; kept elsewhere and given as `expect`, it finds a chain that was written anew as a whole",
      ),
    ),
    faults: v.pipe(
      v.array(
        v.strictObject({
          position: v.pipe(v.nullable(v.number()), v.description("Place in the chain; null: in none")),
          auditId: v.pipe(v.string(), v.description("ULID of the entry")),
          fault: v.pipe(
            v.picklist(["changed", "missing", "gap", "unsealed", "unexpected"]),
            v.description(
              "`changed`: the entry, or the hash before it; `missing`: the entry is gone; `gap`: a place before it is; `unsealed`: it is not in the chain; `unexpected`: this place has another hash than `expect`, or none",
            ),
          ),
        }),
      ),
      v.description("The first few"),
    ),
  }),
  v.description("Whether the audit is as it was written"),
);

export const AuditList = v.pipe(
  v.strictObject({
    items: v.array(AuditEntry),
    nextCursor: v.pipe(v.nullable(v.string()), v.description("`cursor` of the next page; null: this is the last")),
  }),
  v.description("Actions of operators, newest first"),
);
