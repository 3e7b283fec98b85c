import * as v from "valibot";

/** Input of `sales.close_month`: the month before this time is closed. */
export const CloseMonth = v.strictObject({ plannedAt: v.string() });
export type CloseMonth = v.InferOutput<typeof CloseMonth>;

/** Output of `sales.close_month`: what each shop is to be paid, in currency units. */
export const ClosedMonth = v.strictObject({
  month: v.string(),
  shops: v.array(v.strictObject({ shopNo: v.string(), account: v.string(), amount: v.number() })),
});
export type ClosedMonth = v.InferOutput<typeof ClosedMonth>;

/** Input of `sales.hold_payout`: a shop that could not be paid. */
export const HoldPayout = v.strictObject({
  month: v.string(),
  shopNo: v.string(),
  amount: v.pipe(v.number(), v.minValue(0.01)),
});
export type HoldPayout = v.InferOutput<typeof HoldPayout>;

/** Input of `sales.book_settlement`: how many shops were paid, and how many wait. */
export const BookSettlement = v.strictObject({
  month: v.string(),
  paid: v.pipe(v.number(), v.integer(), v.minValue(0)),
  held: v.pipe(v.number(), v.integer(), v.minValue(0)),
});
export type BookSettlement = v.InferOutput<typeof BookSettlement>;
