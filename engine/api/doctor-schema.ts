import * as v from "valibot";

export const DoctorFinding = v.pipe(
  v.strictObject({
    check: v.pipe(v.string(), v.description("What was looked at"), v.examples(["slot"])),
    level: v.pipe(
      v.picklist(["ok", "warn", "red"]),
      v.description("`warn`: somebody should look when there is time; `red`: something does not work"),
    ),
    detail: v.pipe(v.string(), v.description("What is there, in a sentence")),
    since: v.pipe(v.nullable(v.string()), v.description("Since when; null: not known, or nothing is wrong")),
    fix: v.pipe(v.nullable(v.string()), v.description("What to do, a command where there is one")),
  }),
  v.description("What one check found"),
);

export const DoctorReport = v.pipe(
  v.strictObject({
    healthy: v.pipe(v.boolean(), v.description("Nothing is red")),
    findings: v.array(DoctorFinding),
  }),
  v.description("What is not well, since when, and what to do"),
);
