import * as v from "valibot";

/** Input of `ledger.contracted`. */
export const Contracted = v.strictObject({ contractId: v.string() });
export type Contracted = v.InferOutput<typeof Contracted>;
