import * as v from "valibot";

/** Who applies. `job`, `checking` and `savings` are words of the form; this domain keeps them and judges nothing. */
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

/** Input of `application.register`, and of `application.cancel`, which undoes it. */
export const Register = v.strictObject({
  applicationNo: v.pipe(v.string(), v.minLength(1), v.maxLength(40)),
  applicant: Applicant,
  credit: Credit,
});
export type Register = v.InferOutput<typeof Register>;

/** Output of `application.register`. */
export const Registered = v.strictObject({ applicationId: v.string() });
export type Registered = v.InferOutput<typeof Registered>;
