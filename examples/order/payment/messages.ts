import * as v from "valibot";

/** Input of `payment.authorise`: `amount` in currency units. */
export const Authorise = v.strictObject({ orderNo: v.string(), amount: v.pipe(v.number(), v.minValue(0.01)) });
export type Authorise = v.InferOutput<typeof Authorise>;

/** Output of `payment.authorise`. */
export const Authorised = v.strictObject({ authorisationId: v.string() });
export type Authorised = v.InferOutput<typeof Authorised>;

/** Input of `payment.capture`. */
export const Capture = v.strictObject({ authorisationId: v.string() });
export type Capture = v.InferOutput<typeof Capture>;
