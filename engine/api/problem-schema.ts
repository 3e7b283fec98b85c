import * as v from "valibot";

import { TRANSLATIONS } from "./translate-code.ts";

export const ProblemFault = v.pipe(
  v.strictObject({
    pointer: v.optional(
      v.pipe(v.string(), v.description("JSON pointer into the body"), v.examples(["/applicant/age"])),
    ),
    parameter: v.optional(v.pipe(v.string(), v.description("Name of a query parameter"), v.examples(["limit"]))),
    detail: v.pipe(v.string(), v.description("What is wrong there"), v.examples(["is no integer from 18 to 120"])),
  }),
  v.description("One place of the request that was refused"),
);

export const ProblemDetails = v.pipe(
  v.strictObject({
    type: v.pipe(
      v.string(),
      v.description("URI of the kind of problem"),
      v.examples(["urn:ekiden:problem:saga.key-open"]),
    ),
    title: v.pipe(
      v.string(),
      v.description("The kind of problem in words"),
      v.examples(["An open saga has this business key"]),
    ),
    status: v.pipe(v.number(), v.integer(), v.description("HTTP status"), v.examples([409])),
    detail: v.pipe(v.string(), v.description("What happened to this request")),
    code: v.pipe(
      v.picklist(Object.keys(TRANSLATIONS)),
      v.description("Stable code for programs; docs/OPERATIONS.md has an entry for each"),
      v.examples(["saga.key-open"]),
    ),
    hint: v.pipe(v.string(), v.description("What to do next")),
    errors: v.optional(
      v.pipe(v.array(ProblemFault), v.description("The places that were refused; always there with 422")),
    ),
    sagaId: v.optional(
      v.pipe(v.string(), v.description("`saga.key-open`: the open saga"), v.examples(["01KAS0CW5V8XJQ6Z3T4M7N9PRD"])),
    ),
    errorId: v.optional(v.pipe(v.string(), v.description("`api.internal`: id of the entry in the engine's log"))),
  }),
  v.description("Problem details (RFC 9457)"),
);
