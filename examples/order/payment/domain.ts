import { defineDomain } from "ekiden";
import { authorise, capture, release } from "./handlers.ts";
import { Authorise, Authorised, Capture } from "./messages.ts";

/** Holds money for an order, and takes it once the order is shipped. */
export default defineDomain({
  name: "payment",
  steps: {
    authorise: { input: Authorise, output: Authorised, run: authorise },
    release: { input: Authorise, run: release },
    capture: { input: Capture, run: capture },
  },
});
