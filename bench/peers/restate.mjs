/** The saga on Restate: the service that its server calls. Listens on the port of its one argument until it is told to end. */
import { createServer } from "node:http2";

import * as restate from "@restatedev/restate-sdk";

import { business, Refused } from "./business.mjs";

/** What the business refuses is final for Restate; every other failure is tried again. */
const step = (context, name, order) =>
  context.run(name, async () => {
    try {
      return await business[name](order);
    } catch (error) {
      throw error instanceof Refused ? new restate.TerminalError(error.message) : error;
    }
  });

async function run(context, order) {
  await step(context, "register", order);
  await step(context, "examine", order);
  try {
    await step(context, "conclude", order);
  } catch (error) {
    if (!(error instanceof restate.TerminalError)) throw error;
    await step(context, "voidExamination", order);
    await step(context, "cancel", order);
    return "cancelled";
  }
  return "concluded";
}

// The benchmark holds the other end of the input: when that is gone, however it ended, so is this.
process.stdin.resume().on("end", () => process.exit(0));
const three = restate.service({ name: "three", handlers: { run } });
createServer(restate.createEndpointHandler({ services: [three], logger: () => {} })).listen(
  Number(process.argv[2]),
  "127.0.0.1",
  () => process.stdout.write('{"ready":true}\n'),
);
