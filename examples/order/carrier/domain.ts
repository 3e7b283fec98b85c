import { defineDomain } from "ekiden";
import { book, cancel, handOver } from "./handlers.ts";
import { Book, Booked, HandedOver, HandOver } from "./messages.ts";

/** Books carriers and gives them parcels. */
export default defineDomain({
  name: "carrier",
  steps: {
    book: { input: Book, output: Booked, run: book },
    cancel: { input: Book, run: cancel },
    hand_over: { input: HandOver, output: HandedOver, run: handOver },
  },
});
