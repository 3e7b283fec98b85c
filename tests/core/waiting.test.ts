import { heapStats } from "bun:jsc";
import { expect, test } from "bun:test";

import { HELD_MAX, WAITING_MAX } from "../../engine/transport/lane-bounds.ts";
import { Lanes } from "../../engine/transport/lanes.ts";
import { PartitionTrack } from "../../engine/transport/partition-track.ts";
import type { Subscription } from "../../engine/transport/port.ts";
import { Turns } from "../../engine/transport/turns.ts";
import { delivery } from "./lanes-bench.ts";

function lanesOf(handle: Subscription["handle"], laterMs = () => 100): Lanes {
  const subscription = { group: "g", topics: ["timeline"], lanes: 2, singles: 2, batchMax: 100, laterMs, handle };
  return new Lanes(subscription, { finished: () => {}, troubled: () => {} }, new Turns(100));
}

test("messages that wait for their time take no place, up to a bound behind which it is said who they are", async () => {
  const laterMs = () => 3_600_000;
  const lanes = lanesOf(async (batch) => batch.map(({ key }) => (key === "done" ? "done" : "later")), laterMs);
  const now = (name: string) => lanes.bounds.find((bound) => bound.name === name)?.now();
  let offset = 0;
  const fill = async (count: number) => {
    for (let n = 0; n < count; n += 1) {
      const headers = { action: n % 10 === 0 ? "b" : "a" };
      lanes.take({ ...delivery(offset, `${offset}`), headers });
      offset += 1;
    }
    while (now("ekiden_messages_waiting") !== offset) await new Promise((resolve) => setImmediate(resolve));
  };
  await fill(HELD_MAX);
  expect([lanes.hasRoom, lanes.held, now("ekiden_messages_in_hand")]).toEqual([true, HELD_MAX, 0]);
  expect(lanes.problem(-1_000)).toBeUndefined();

  await fill(WAITING_MAX);
  expect([lanes.hasRoom, now("ekiden_messages_in_hand")]).toEqual([false, HELD_MAX]);
  expect(lanes.problem(60_000)).toBeUndefined();
  expect(lanes.problem(-1_000)).toBe("no room: 12000 messages wait for their next try, 10800 of them a");

  lanes.forget("timeline", 0);
  expect([lanes.hasRoom, lanes.held, now("ekiden_messages_waiting")]).toEqual([true, 0, 0]);
  lanes.take(delivery(0, "done"));
  while (lanes.held > 0) await new Promise((resolve) => setImmediate(resolve));
  await lanes.close();
});

test("a message that comes behind one that waits for its time keeps its place behind it", async () => {
  const order: number[] = [];
  let due = false;
  let handled = 0;
  const lanes = lanesOf(async (batch) => {
    handled += 1;
    return batch.map(({ offset }) => {
      if (!due) return "later";
      order.push(offset);
      return "done";
    });
  });
  lanes.take(delivery(0, "a"));
  while (handled < 1) await Bun.sleep(1);
  lanes.take(delivery(1, "a", 1));
  lanes.take(delivery(2, "a", 1));
  due = true;
  while (lanes.held > 0) await Bun.sleep(5);
  expect(order).toEqual([0, 1, 2]);

  due = false;
  lanes.take(delivery(3, "a"));
  while (handled < 4) await Bun.sleep(1);
  lanes.take(delivery(4, "a", 1));
  due = true;
  // What waited is gone: the next of its key begins.
  lanes.forget("timeline", 0);
  while (lanes.held > 0) await Bun.sleep(5);
  expect(order).toEqual([0, 1, 2, 4]);
});

test("behind a message that is not done no places are kept of those that are", () => {
  const track = new PartitionTrack("timeline", 0);
  track.accept(0);
  const before = heapStats().objectCount;
  for (let offset = 1; offset < 200_000; offset += 1) {
    const place = track.accept(offset);
    if (place !== undefined) place.done = true;
    track.advance();
  }
  Bun.gc(true);
  expect(heapStats().objectCount - before).toBeLessThan(20_000);
  expect(track.advance()).toBe(0);
  expect(track.next).toBe(200_000);
});

test("what a forgotten message was to wait for holds up nothing that comes after it", async () => {
  let wait: (() => void) | undefined;
  const order: number[] = [];
  const lanes = lanesOf(
    async (batch) => {
      if (wait === undefined) {
        await new Promise<void>((resolve) => {
          wait = resolve;
        });
        return ["later"];
      }
      order.push(...batch.map(({ offset }) => offset));
      return batch.map(() => "done");
    },
    () => 40 * 86_400_000,
  );
  lanes.take(delivery(7, "a"));
  // It belongs to somebody else, and comes back: a group on Kafka was divided anew, twice.
  lanes.forget("timeline", 0);
  lanes.take(delivery(7, "a"));
  wait?.();
  for (let n = 0; n < 100 && lanes.held > 0; n += 1) await Bun.sleep(5);
  const held = lanes.held;
  await lanes.close();
  expect({ order, held }).toEqual({ order: [7], held: 0 });
});
