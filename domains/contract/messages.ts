import * as v from "valibot";

/** Input of `contract.conclude`: `amount` in currency units, paid back over `months`. */
export const Conclude = v.strictObject({
  applicationId: v.string(),
  amount: v.pipe(v.number(), v.minValue(1)),
  months: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(120)),
});
export type Conclude = v.InferOutput<typeof Conclude>;

/** Output of `contract.conclude`: `number` is for people, the last instalment carries the remainder. */
export const Concluded = v.strictObject({
  contractId: v.string(),
  number: v.string(),
  instalment: v.number(),
  lastInstalment: v.number(),
});
export type Concluded = v.InferOutput<typeof Concluded>;
