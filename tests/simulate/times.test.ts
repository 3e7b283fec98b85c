import { expect, test } from "bun:test";

import { durationText, timeMs } from "../../engine/simulate/plan.ts";

test.each([
  ["0s", 0],
  ["1.5s", 1_500],
  ["1m 3s", 63_000],
  ["3d", 259_200_000],
  ["1d 2h 3m 4s", 93_784_000],
] as const)("%p is a time, and is written so again", (text, ms) => {
  expect(timeMs(text)).toBe(ms);
  expect(durationText(ms)).toBe(text);
});

test.each(["", "soon", "5", "1m soon", "-1s"])("%p is no time", (text) => {
  expect(timeMs(text)).toBeUndefined();
});
