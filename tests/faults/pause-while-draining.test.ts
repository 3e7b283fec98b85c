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

test("a group that is resumed while its pause still drains loses no message", async () => {
  let go: () => void = () => {};
  const held = new Promise<void>((resolve) => {
    go = resolve;
  });
  behave("call", "*", async () => void (await held));
  const sagas: string[] = [];
  const start = async () => sagas.push((await client.start("outside", { note: `n${sagas.length}` })).sagaId);
  const before = calls.length;
  for (let index = 0; index < 32; index += 1) await start();
  await eventually("all places for calls are taken", async () => calls.length - before >= 24);

  const pausing = client.call("POST", "/v1/consumer-groups/lab/pause", { reason: "test" });
  // The loop that follows the flag has seen it too.
  await Bun.sleep(600);
  await client.ok("POST", "/v1/consumer-groups/lab/resume", { reason: "test" });
  await start();
  await Bun.sleep(300);
  go();
  await pausing;
  await Bun.sleep(500);
  await start();

  const open = await eventually(
    "every saga ends",
    async () => (await Promise.all(sagas.map((id) => client.saga(id)))).every((saga) => saga.status === "completed"),
    15_000,
  ).catch(async () => {
    const left = (await Promise.all(sagas.map((id) => client.saga(id)))).filter((saga) => saga.status !== "completed");
    const offsets =
      await lab.sql`select topic, "offset" from timeline.consumer_offset where consumer_group = 'lab' and topic = 'lab.call'`;
    return { left: left.length, offsets: [...offsets] };
  });
  expect(open).toBe(true);
}, 60_000);
