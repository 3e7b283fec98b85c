import { expect, test } from "bun:test";
import { Pause, untilPulse } from "../../engine/pause.ts";

test("pauses that begin at different moments end together", () => {
  expect([0, 31, 180].map((now) => now + untilPulse(1_000, now))).toEqual([1_000, 1_000, 1_000]);
  expect([10, 99].map((now) => now + untilPulse(500, now))).toEqual([500, 500]);
  expect([10, 99].map((now) => now + untilPulse(250, now))).toEqual([250, 250]);
});

test("one that follows another, a little early or late, lasts as long as it is asked to", () => {
  for (const ms of [250, 500, 1_000, 3_000])
    for (const off of [-5, 0, 5])
      expect(Math.round((60_000 + off + untilPulse(ms, 60_000 + off) - 60_000) / 10) * 10).toBe(ms);
});

test("none lasts much longer than it is asked to, or ends at once", () => {
  for (const ms of [250, 300, 500, 900, 1_000, 2_000, 10_000])
    for (let now = 100_000; now < 101_000; now += 7) {
      const wait = untilPulse(ms, now);
      expect(wait).toBeGreaterThan(0);
      expect(wait).toBeLessThanOrEqual(ms + 20);
    }
});

test("short ones are exact", () => {
  expect([0, 1, 50, 249].map((ms) => untilPulse(ms, 17))).toEqual([0, 1, 50, 249]);
});

test("a pause can be cut short, and one that has ended already", async () => {
  const pause = new Pause();
  const long = pause.about(60_000);
  pause.end();
  await long;
  pause.end();
  await pause.exactly(1);
});
