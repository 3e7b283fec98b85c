import { defineDomain } from "ekiden";
import { ask, extend } from "./handlers.ts";
import { Ask, Extend, Extended } from "./messages.ts";

/** Knows until when each subscription is paid, and writes to its owner. */
export default defineDomain({
  name: "subscription",
  steps: {
    ask: { input: Ask, run: ask },
    extend: { input: Extend, output: Extended, run: extend },
  },
});
