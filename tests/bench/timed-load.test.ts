import { expect, test } from "bun:test";

import { runTimed } from "../../bench/timed-load.ts";

test("a closed load never has more sagas in flight than it was told, and counts those that end after its time", async () => {
  let open = 0;
  let most = 0;
  let ended = 0;
  const run = await runTimed(
    async () => {
      open += 1;
      most = Math.max(most, open);
      await Bun.sleep(5);
      open -= 1;
      ended += 1;
    },
    { seconds: 0.05, inFlight: 3 },
  );

  expect({ most, open, counted: run.sagas === ended }).toEqual({ most: 3, open: 0, counted: true });
});

test("an open load begins as many as are due, and counts what a saga waited before it could begin", async () => {
  let begun = 0;
  const run = await runTimed(
    async () => {
      begun += 1;
      // The first one holds up the whole loop: the others are due meanwhile.
      if (begun === 1) for (const until = performance.now() + 60; performance.now() < until; );
    },
    { seconds: 0.05, perSecond: 200 },
  );

  expect({ begun, sagas: run.sagas }).toEqual({ begun: 10, sagas: 10 });
  expect(run.p50).toBeGreaterThan(10);
});

test("a load with a saga that goes wrong fails", async () => {
  const wrong = () => Promise.reject(new Error("a saga is parked"));

  await expect(runTimed(wrong, { seconds: 0.01, inFlight: 2 })).rejects.toThrow("a saga is parked");
  await expect(runTimed(wrong, { seconds: 0.01, perSecond: 1_000 })).rejects.toThrow("a saga is parked");
});
