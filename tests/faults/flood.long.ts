import { expect, test } from "bun:test";
import { flood } from "../support/flood.ts";

const STARTS = 50_000;

test("a flood of 50,000 starts: each is accepted once, memory levels off, others are served meanwhile", async () => {
  const { client, memory, reads, badReads, sagas, completed } = await flood(STARTS, 4_000);
  const thirds = [0, 1, 2].map((part) => {
    const size = Math.floor(memory.length / 3);
    return Math.max(...memory.slice(part * size, (part + 1) * size));
  });
  console.log(
    `${STARTS} starts: ${client.created} created, ${client.again} found again, ${client.busy} times 503; ` +
      `${reads} reads of others; engine MiB, greatest in each third: ${thirds.map((most) => most.toFixed(0)).join(", ")}`,
  );
  expect(client.others).toEqual([]);
  expect(client.busy).toBeGreaterThan(0);
  expect(client.withoutRetryAfter).toBe(0);
  expect([sagas, completed]).toEqual([STARTS, STARTS]);
  expect(badReads).toEqual([]);
  expect(reads).toBeGreaterThan(100);
  expect(Math.max(...memory)).toBeLessThan(512);
  // It levels off: what the last third needs beyond the first is less than a quarter.
  expect(thirds[2]).toBeLessThan((thirds[0] as number) * 1.25);
}, 1_800_000);
