import { afterAll, beforeAll, expect, test } from "bun:test";
import { Client } from "../support/client.ts";
import { type TestEngine, testEngine } from "../support/engine.ts";

let engine: TestEngine | undefined;

beforeAll(async () => {
  engine = await testEngine("embedded");
}, 60_000);
afterAll(async () => engine?.close(), 30_000);

test("who waits at a process that moves no saga just now hears of the end as soon as at one without that role", async () => {
  const standby = await (engine as TestEngine).another("api,dispatcher,domains");
  const client = new Client(() => standby.url as string);
  const took: number[] = [];
  for (let run = 0; run < 5; run += 1) {
    const began = performance.now();
    expect(await client.start("three", { note: `waited for ${run}` }, "?wait=30s")).toMatchObject({
      status: "completed",
    });
    took.push(performance.now() - began);
  }

  // It looks every 250 ms where it counts on being told.
  expect(Math.min(...took)).toBeLessThan(200);
}, 60_000);
