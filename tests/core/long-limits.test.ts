import { expect, test } from "bun:test";
import type { ActionDescription } from "../../engine/core/domain.ts";
import { callHandler } from "../../engine/participant/call.ts";
import { afterLong } from "../../engine/participant/long-timer.ts";
import { succeeded } from "../../engine/sdk.ts";

const DAY_MS = 86_400_000;
const CALL: ActionDescription = {
  domain: "lab",
  action: "wait",
  external: true,
  handled: true,
  input: { jsonSchema: {}, parse: () => ({ ok: true, value: null }) },
} as const;

test("a call whose step may take longer than a timer can count is not cut at once", async () => {
  for (const days of [24, 25, 3_650]) {
    const limit = { ms: days * DAY_MS, reason: "timeout" } as const;
    const run = async () => {
      await Bun.sleep(30);
      return succeeded();
    };
    const ended = await callHandler(CALL, limit, new AbortController(), run, "long.wait");
    expect([days, ended]).toEqual([days, { outcome: "succeeded", output: null }]);
  }
});

test("what is longer than one span is counted in several, and can be stopped in each", async () => {
  const began = performance.now();
  await new Promise<void>((resolve) => void afterLong(55, resolve, 20));
  expect(performance.now() - began).toBeGreaterThanOrEqual(54);

  let fired = false;
  const stop = afterLong(60, () => (fired = true), 10);
  await Bun.sleep(25);
  stop();
  await Bun.sleep(60);
  expect(fired).toBe(false);
});
