import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";
import { behave, calls, calm } from "../support/lab/lab/behaviour.ts";

let lab: TestEngine;
const client = new Client(() => lab.url);

beforeAll(async () => {
  lab = await testEngine("embedded");
}, 120_000);
afterEach(calm);
afterAll(async () => lab?.close(), 60_000);

test("a stop awaits an external call in progress and its answer is recorded", async () => {
  let go: () => void = () => {};
  const held = new Promise<void>((resolve) => {
    go = resolve;
  });
  behave("call", "*", async () => void (await held));
  const { sagaId } = await client.start("outside", { note: "drain" });
  await eventually("the call is out", async () =>
    calls.some((call) => call.sagaId === sagaId && call.action === "call"),
  );

  const stopped = lab.stop();
  // Well within the 30 s that a stop may take, and the step's 5 s.
  await Bun.sleep(500);
  go();
  await stopped;
  const answers =
    await lab.sql`select message_type from timeline.event_request where correlation_id = ${sagaId} and message_type like 'step.%' and topic = 'timeline'`;
  expect(answers.map((row) => row["message_type"])).toEqual(["step.succeeded"]);

  await lab.start();
  expect((await client.settled(sagaId)).status).toBe("completed");
  expect(calls.filter((call) => call.sagaId === sagaId && call.action === "call")).toHaveLength(1);
}, 60_000);
