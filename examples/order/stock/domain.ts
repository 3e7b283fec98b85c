import { defineDomain } from "ekiden";
import { release, reserve } from "./handlers.ts";
import { Reserve, Reserved } from "./messages.ts";

/** Knows what lies on the shelves and what of it is promised. */
export default defineDomain({
  name: "stock",
  steps: {
    reserve: { input: Reserve, output: Reserved, run: reserve },
    release: { input: Reserve, run: release },
  },
});
