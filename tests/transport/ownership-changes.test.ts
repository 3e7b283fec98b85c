import { expect, test } from "bun:test";
import { OwnershipChanges } from "../../engine/transport/embedded/ownership-changes.ts";

test("an owner that changes more than three times within a minute is told of for five minutes", () => {
  let now = 0;
  const changes = new OwnershipChanges(() => now);
  changes.note(20);
  now = 10_000;
  changes.note(22);
  expect(changes.warning()).toBeUndefined();
  now = 20_000;
  changes.note(24);

  expect(changes.warning()?.detail).toBe("it changed its owner 5 times within a minute");
  now = 319_000;
  expect(changes.warning()).toBeDefined();
  now = 321_000;
  expect(changes.warning()).toBeUndefined();
});

test("changes that are far apart, and a restart one after the other, are none of its business", () => {
  let now = 0;
  const changes = new OwnershipChanges(() => now);
  for (let epoch = 1; epoch < 40; epoch += 3) {
    changes.note(epoch);
    now += 61_000;
  }
  changes.note(100);
  changes.note(102);

  expect(changes.warning()).toBeUndefined();
});
