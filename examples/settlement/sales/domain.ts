import { defineDomain } from "ekiden";
import { bookSettlement, closeMonth, holdPayout, releasePayout, reopenMonth } from "./handlers.ts";
import { BookSettlement, CloseMonth, ClosedMonth, HoldPayout } from "./messages.ts";

/** Knows what each shop sold, and which sales are settled. */
export default defineDomain({
  name: "sales",
  steps: {
    close_month: { input: CloseMonth, output: ClosedMonth, run: closeMonth },
    reopen_month: { input: CloseMonth, run: reopenMonth },
    hold_payout: { input: HoldPayout, run: holdPayout },
    release_payout: { input: HoldPayout, run: releasePayout },
    book_settlement: { input: BookSettlement, run: bookSettlement },
  },
});
