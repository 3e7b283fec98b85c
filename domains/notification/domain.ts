import { defineDomain } from "ekiden";
import { mail } from "./handlers.ts";
import { Mail, Mailed } from "./messages.ts";

/** Writes mails into an outgoing box; a mail server of your choice empties it. */
export default defineDomain({
  name: "notification",
  steps: {
    mail: { input: Mail, output: Mailed, run: mail },
  },
});
