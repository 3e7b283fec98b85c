import * as v from "valibot";

/** Input of `bank.debit` and `bank.credit`: `amount` in currency units, always positive. */
export const Entry = v.strictObject({
  account: v.string(),
  amount: v.pipe(v.number(), v.minValue(0.01)),
  reference: v.string(),
});
export type Entry = v.InferOutput<typeof Entry>;

/** Output of both. */
export const Booked = v.strictObject({ entryId: v.string() });
export type Booked = v.InferOutput<typeof Booked>;
