import * as v from "valibot";

/** Input of `stock.reserve`. */
export const Reserve = v.strictObject({ sku: v.string(), quantity: v.pipe(v.number(), v.integer(), v.minValue(1)) });
export type Reserve = v.InferOutput<typeof Reserve>;

/** Output of `stock.reserve`: `left` is what can still be promised. */
export const Reserved = v.strictObject({ reservationId: v.string(), left: v.pipe(v.number(), v.integer()) });
export type Reserved = v.InferOutput<typeof Reserved>;
