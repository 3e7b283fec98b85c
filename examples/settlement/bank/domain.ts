import { defineDomain } from "ekiden";
import { credit, debit, reverse } from "./handlers.ts";
import { Booked, Entry } from "./messages.ts";

/** Keeps accounts by their entries. */
export default defineDomain({
  name: "bank",
  steps: {
    debit: { input: Entry, output: Booked, run: debit },
    credit: { input: Entry, output: Booked, run: credit },
    reverse: { input: Entry, run: reverse },
  },
});
