/**
 * The saga on DBOS, which is a library: loads are run in the application's own process, so nothing is counted for calls
 * over HTTP. Its tables lie in the database of the business rows.
 */
import { DBOS } from "@dbos-inc/dbos-sdk";

import { serveLoads } from "../driven.ts";
import { business } from "./business.mjs";

/** Each step is a checkpoint of its own around the business write. */
const step = (name, order) => DBOS.runStep(() => business[name](order), { name });

async function run(order) {
  await step("register", order);
  await step("examine", order);
  try {
    await step("conclude", order);
  } catch (error) {
    if (error.name !== "Refused") throw error;
    await step("voidExamination", order);
    await step("cancel", order);
    return "cancelled";
  }
  return "concluded";
}

const three = DBOS.registerWorkflow(run, { name: "three" });
DBOS.setConfig({
  name: "bench",
  systemDatabaseUrl: process.env.DATABASE_URL,
  systemDatabasePoolSize: Number(process.env.SYSTEM_POOL ?? 10),
  logLevel: "error",
});
await DBOS.launch();

await serveLoads(async (number) => {
  const saga = crypto.randomUUID();
  const order = { saga, applicant: "Taro Yamada", amount: 1_000 + (number % 100_000) };
  const handle = await DBOS.startWorkflow(three, { workflowID: saga })(order);
  const outcome = await handle.getResult();
  if (outcome !== "concluded") throw new Error(`a saga is ${outcome}`);
});
