import { defineDomain } from "ekiden";
import { cancel, register } from "./handlers.ts";
import { emptyStanding, keepStanding } from "./keep-standing.ts";
import { Register, Registered } from "./messages.ts";
import { STANDING_EVENTS } from "./standing.ts";

/** Takes applications in and says where each of them stands. */
export default defineDomain({
  name: "application",
  steps: {
    register: { input: Register, output: Registered, run: register },
    cancel: { input: Register, run: cancel },
  },
  projections: {
    standing: { table: "standing", on: STANDING_EVENTS, apply: keepStanding, rebuild: emptyStanding },
  },
});
