import { defineDomain } from "ekiden";
import { examine, voidScreening } from "./handlers.ts";
import { Examine, Examined } from "./messages.ts";

/** Judges applications by a points table. */
export default defineDomain({
  name: "screening",
  steps: {
    examine: { input: Examine, output: Examined, run: examine },
    void: { input: Examine, run: voidScreening },
  },
});
