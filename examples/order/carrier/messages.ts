import * as v from "valibot";

/** Input of `carrier.book`. */
export const Book = v.strictObject({ carrier: v.picklist(["swift", "steady"]), orderNo: v.string() });
export type Book = v.InferOutput<typeof Book>;

/** Output of `carrier.book`. */
export const Booked = v.strictObject({ bookingId: v.string() });
export type Booked = v.InferOutput<typeof Booked>;

/** Input of `carrier.hand_over`. */
export const HandOver = v.strictObject({ bookingId: v.string(), orderNo: v.string() });
export type HandOver = v.InferOutput<typeof HandOver>;

/** Output of `carrier.hand_over`: the number under which the parcel is followed. */
export const HandedOver = v.strictObject({ parcelNo: v.string() });
export type HandedOver = v.InferOutput<typeof HandedOver>;
