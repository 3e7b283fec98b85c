import { defineDomain, succeeded } from "ekiden";
import * as v from "valibot";

const Item = v.strictObject({ note: v.string() });

/** A step that another program handles beside one that the engine runs. */
export default defineDomain({
  name: "desk",
  steps: {
    note: { input: Item, run: async () => succeeded() },
    appraise: { input: Item, output: v.strictObject({ price: v.number() }) },
  },
});
