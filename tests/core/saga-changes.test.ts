import { expect, test } from "bun:test";

import { SagaChanges } from "../../engine/dispatcher/saga-changes.ts";

test("whoever watches is told of every transition, also of one that settles nothing", () => {
  const changes = new SagaChanges();
  let told = 0;
  changes.watch(() => told++);

  changes.settled([]);
  changes.moved("01JADDJ0000000000000000000");

  expect(told).toBe(2);
});

test("whoever waits for a saga is woken by that saga alone", async () => {
  const changes = new SagaChanges();
  const woken: string[] = [];
  const stopping = new AbortController();
  const waiting = ["a", "b"].map((saga) =>
    changes
      .next(saga, 60_000, stopping.signal)
      .then(() => woken.push(stopping.signal.aborted ? `${saga} at the end` : saga)),
  );

  changes.settled(["a"]);
  await waiting[0];
  stopping.abort();
  await Promise.all(waiting);

  expect(woken).toEqual(["a", "b at the end"]);
});
