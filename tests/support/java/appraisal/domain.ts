import { defineDomain } from "ekiden";
import * as v from "valibot";

const Item = v.strictObject({ item: v.string(), worth: v.number() });
const Price = v.strictObject({ price: v.number() });
const Offer = v.strictObject({ price: v.number(), buyer: v.string() });

/** Only what the engine must know to check and to address: no step has a `run`, Participant.java handles them all. */
export default defineDomain({
  name: "appraisal",
  steps: {
    appraise: { input: Item, output: Price },
    withdraw: { input: Item },
    offer: { input: Offer },
  },
});
