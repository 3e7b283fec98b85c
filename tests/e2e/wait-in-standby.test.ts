import { afterAll, beforeAll, expect, test } from "bun:test";
import { Client } from "../support/client.ts";
import { type TestEngine, testEngine } from "../support/engine.ts";

let engine: TestEngine | undefined;

beforeAll(async () => {
  engine = await testEngine("embedded");
}, 60_000);
afterAll(async () => engine?.close(), 30_000);

test("who waits at a process that moves no saga just now hears of the end as soon as at one without that role", async () => {
  const { another } = engine as TestEngine;
  const processes = [await another("api,dispatcher,domains"), await another("api")];
  const clients = processes.map(({ url }) => new Client(() => url as string));
  const took: number[][] = clients.map(() => []);
  for (let run = 0; run < 6; run += 1) {
    for (const [at, client] of clients.entries()) {
      const began = performance.now();
      const ended = await client.start("three", { note: `waited for ${run} at ${at}` }, "?wait=30s");
      expect(ended).toMatchObject({ status: "completed" });
      took[at]?.push(performance.now() - began);
    }
  }

  // Side by side, and the best of each: who counts on being told looks every 250 ms, five times as long as a saga takes.
  const [standby, without] = took.map((times) => Math.min(...times)) as [number, number];
  expect(standby / without).toBeLessThan(1.7);
}, 60_000);
