import { defineDomain } from "ekiden";
import { charge } from "./handlers.ts";
import { Charge, Charged } from "./messages.ts";

/** Charges cards. */
export default defineDomain({
  name: "payment",
  steps: {
    charge: { input: Charge, output: Charged, run: charge },
  },
});
