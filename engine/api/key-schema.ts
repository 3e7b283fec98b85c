import * as v from "valibot";

import { ROLES } from "../core/grant.ts";
import { isEventTime, NO_EVENT_TIME } from "./query-schema.ts";
import { Time } from "./saga-schema.ts";
import { Reason } from "./verb-schema.ts";

const Name = v.pipe(
  v.string("must be a text"),
  v.regex(/^[a-z][a-z0-9_.-]{0,47}$/, "is no name like ci-starter: a-z first, then a-z 0-9 _ . - up to 48 characters"),
  v.description("What the audit calls its holder: `key:<name>`. Never used twice"),
  v.examples(["ci-starter"]),
);
const Role = v.pipe(
  v.picklist(ROLES, `is none of ${ROLES.join(", ")}`),
  v.description(
    "viewer: read; starter: also start sagas and send signals; operator: also cancel, retry, rewind and the like; admin: also keys, exporting and dropping partitions",
  ),
);
const DEFINITIONS_MAX = 200;
const Definitions = v.pipe(
  v.nullable(
    v.pipe(
      v.array(v.pipe(v.string("must be a text"), v.regex(/^[a-z][a-z0-9_]{0,47}$/, "is no name of a definition"))),
      v.minLength(1, "is empty"),
      v.maxLength(DEFINITIONS_MAX, `has more than ${DEFINITIONS_MAX} names`),
    ),
  ),
  v.description("Definitions whose sagas it is for; null: all, and what belongs to none, like consumer groups"),
  v.examples([["onboarding"]]),
);
const Payloads = v.pipe(
  v.boolean("must be true or false"),
  v.description("Whether it may read inputs, outputs and bodies; what is `sensitive` stays masked"),
);

export const KeyRequest = v.pipe(
  v.strictObject({
    name: Name,
    role: Role,
    definitions: v.optional(Definitions, null),
    payloads: v.optional(Payloads, false),
    expiresAt: v.pipe(
      v.nullable(
        v.pipe(
          v.string("must be a text"),
          v.isoTimestamp("is no time like 2026-01-31T12:00:00Z"),
          v.check(isEventTime, NO_EVENT_TIME),
        ),
        null,
      ),
      v.description("When it stops being good; null: never"),
      v.examples(["2027-01-31T12:00:00Z"]),
    ),
    reason: Reason,
  }),
  v.forward(
    v.check(
      ({ role, definitions }) => role !== "admin" || definitions === null,
      "must be null: an admin's key is for all",
    ),
    ["definitions"],
  ),
  v.description("A key to be made"),
);

export const ApiKey = v.pipe(
  v.strictObject({
    id: v.pipe(v.string(), v.description("ULID; part of the key"), v.examples(["01KAS0CW5W3H9E6P0R8B2D4FGT"])),
    name: Name,
    role: Role,
    definitions: Definitions,
    payloads: Payloads,
    createdAt: v.pipe(Time, v.description("When it was made")),
    createdBy: v.pipe(v.string(), v.description("Who made it"), v.examples(["key:ann"])),
    expiresAt: v.pipe(v.nullable(Time), v.description("When it stops being good; null: never")),
    revokedAt: v.pipe(v.nullable(Time), v.description("Since when it is revoked; null: it is not")),
  }),
  v.description("A key of the API, without the key itself"),
);

export const CreatedKey = v.pipe(
  v.strictObject({
    ...ApiKey.pipe[0].entries,
    key: v.pipe(
      v.nullable(v.string()),
      v.description("The key, shown this once; null: an earlier call with the same Idempotency-Key was told it"),
    ),
  }),
  v.description("A key that was made"),
);

export const KeyList = v.pipe(
  v.strictObject({
    items: v.array(ApiKey),
    nextCursor: v.pipe(v.null(), v.description("Always null: keys are one page")),
  }),
  v.description("Keys, the oldest first, revoked and expired ones too"),
);
