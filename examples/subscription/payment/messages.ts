import * as v from "valibot";

/** Input of `payment.charge`: `amount` in currency units. */
export const Charge = v.strictObject({ subscriptionNo: v.string(), amount: v.pipe(v.number(), v.minValue(0.01)) });
export type Charge = v.InferOutput<typeof Charge>;

/** Output of `payment.charge`. */
export const Charged = v.strictObject({ paymentId: v.string() });
export type Charged = v.InferOutput<typeof Charged>;
