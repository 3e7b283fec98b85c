import { afterAll, beforeAll, test } from "bun:test";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";

let lab: TestEngine;

beforeAll(async () => {
  lab = await testEngine("embedded");
}, 120_000);
afterAll(async () => lab?.close(), 60_000);

test("two processes that share the roles between them finish a saga, or say that they cannot", async () => {
  await lab.stop();
  const front = await lab.another("api,dispatcher");
  await lab.another("domains");
  const client = new Client(() => front.url as string);
  const { sagaId } = await client.start("three", { note: "split" });
  await eventually("the saga completes or readiness is red", async () => {
    const ready = await client.call("GET", "/health/ready");
    return (await client.saga(sagaId)).status === "completed" || ready.status !== 200;
  }, 12_000);
}, 60_000);
