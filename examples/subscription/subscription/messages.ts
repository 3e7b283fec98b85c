import * as v from "valibot";

/** The letters that an owner can get. */
export const Letter = v.picklist(["question", "reminder", "declined"]);
export type Letter = v.InferOutput<typeof Letter>;

/** Input of `subscription.ask`. */
export const Ask = v.strictObject({ subscriptionNo: v.string(), email: v.string(), letter: Letter });
export type Ask = v.InferOutput<typeof Ask>;

/** Input of `subscription.extend`. */
export const Extend = v.strictObject({ subscriptionNo: v.string(), paymentId: v.string() });
export type Extend = v.InferOutput<typeof Extend>;

/** Output of `subscription.extend`: the day until which is paid, in ISO 8601. */
export const Extended = v.strictObject({ paidUntil: v.string() });
export type Extended = v.InferOutput<typeof Extended>;
