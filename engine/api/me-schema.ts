import * as v from "valibot";

import { ROLES } from "../core/grant.ts";

export const Me = v.pipe(
  v.strictObject({
    actor: v.pipe(
      v.string(),
      v.description("What the audit calls the caller: `key:<name>`, `jwt:<subject>`, or `local` while nobody is asked"),
      v.examples(["key:ann"]),
    ),
    role: v.pipe(v.picklist(ROLES), v.description("What the caller may do; each role all that those before it may")),
    definitions: v.pipe(
      v.nullable(v.array(v.string())),
      v.description("Definitions whose sagas the caller may see; null: all, and what belongs to none"),
    ),
    payloads: v.pipe(v.boolean(), v.description("Whether the caller may read inputs, outputs and bodies")),
  }),
  v.description("Who calls"),
);
