import { expect, test } from "bun:test";
import { KeyQueues } from "../../engine/dispatcher/key-queues.ts";

test("calls for one key go one after the other, those for others are not held up", async () => {
  const queues = new KeyQueues(60_000, () => new Error("late"));
  const order: string[] = [];
  const first = await queues.enter("a");
  const second = queues.enter("a").then((leave) => {
    order.push("second a");
    leave();
  });
  const other = queues.enter("b").then((leave) => {
    order.push("b");
    leave();
  });
  await other;
  first();
  await second;
  expect(order).toEqual(["b", "second a"]);
});

test("who has waited for too long is refused, and who stands behind still comes after the first", async () => {
  const queues = new KeyQueues(30, () => new Error("late"));
  const first = await queues.enter("a");
  await expect(queues.enter("a")).rejects.toThrow("late");
  const third = queues.enter("a");
  first();
  (await third)();
  (await queues.enter("a"))();
});
