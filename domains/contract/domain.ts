import { defineDomain } from "ekiden";
import { conclude } from "./handlers.ts";
import { Conclude, Concluded } from "./messages.ts";

/** Concludes credit contracts and keeps the book of credit granted. */
export default defineDomain({
  name: "contract",
  steps: {
    conclude: { input: Conclude, output: Concluded, run: conclude },
  },
});
