import { defineDomain } from "ekiden";
import { contracted } from "./handlers.ts";
import { Contracted } from "./messages.ts";

/** Keeps the ledger. */
export default defineDomain({
  name: "ledger",
  steps: {
    contracted: { input: Contracted, run: contracted },
  },
});
