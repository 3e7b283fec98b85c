import * as v from "valibot";

/** The person, as far as the points table looks. Strings are the German Credit Data's own categories. */
export const Applicant = v.strictObject({
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(100)),
  email: v.string(),
  age: v.pipe(v.number(), v.integer(), v.minValue(18), v.maxValue(120)),
  housing: v.picklist(["own", "rent", "free"]),
  job: v.string(),
  checking: v.string(),
  savings: v.string(),
});
export type Applicant = v.InferOutput<typeof Applicant>;

/** The credit asked for: `amount` in currency units, `months` until it is paid back. */
export const Credit = v.strictObject({
  amount: v.pipe(v.number(), v.minValue(1)),
  months: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(120)),
  purpose: v.string(),
});
export type Credit = v.InferOutput<typeof Credit>;

/** Input of `screening.examine`, and of `screening.void`, which undoes it. */
export const Examine = v.strictObject({
  applicationId: v.string(),
  applicant: Applicant,
  credit: Credit,
});
export type Examine = v.InferOutput<typeof Examine>;

/** What the screening says; a saga chooses by it. */
export const Result = v.picklist(["approved", "manual_review", "rejected"]);
export type Result = v.InferOutput<typeof Result>;

/** Output of `screening.examine`. `reasons` names every line of the points table that counted. */
export const Examined = v.strictObject({
  screeningId: v.string(),
  result: Result,
  score: v.pipe(v.number(), v.integer()),
  reasons: v.array(v.string()),
});
export type Examined = v.InferOutput<typeof Examined>;
