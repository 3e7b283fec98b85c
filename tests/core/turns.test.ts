import { expect, test } from "bun:test";
import { Turns } from "../../engine/transport/turns.ts";
import { delivery, LanesBench } from "./lanes-bench.ts";

test("while a batch of one group has the turn, messages of another gather, and go together when it ends", async () => {
  const turns = new Turns(1, 60_000);
  const one = new LanesBench({}, turns);
  const other = new LanesBench({}, turns);
  one.lanes.take(delivery(0, "a"));
  for (let offset = 0; offset < 3; offset += 1) other.lanes.take(delivery(offset, `key ${offset}`));
  expect([one.calls.length, other.calls.length]).toEqual([1, 0]);
  one.calls[0]?.end(["done"]);
  const batch = await other.call(0);
  expect(batch.offsets).toEqual([0, 1, 2]);
  batch.end(["done", "done", "done"]);
  await Promise.all([one.idle(), other.idle()]);
  expect(turns.free).toBe(true);
});

test("a batch that takes long gives its turn away, once", async () => {
  const turns = new Turns(1, 20);
  const one = new LanesBench({}, turns);
  const other = new LanesBench({}, turns);
  one.lanes.take(delivery(0, "a"));
  other.lanes.take(delivery(0, "b"));
  (await other.call(0)).end(["done"]);
  await other.idle();
  one.calls[0]?.end(["done"]);
  await one.idle();
  expect(turns.free).toBe(true);
  const give = turns.take();
  give();
  give();
  turns.take();
  expect(turns.free).toBe(false);
});

test("a group that is closed waits for no turn any more", async () => {
  const turns = new Turns(1, 60_000);
  const give = turns.take();
  const closed = new LanesBench({}, turns);
  const other = new LanesBench({}, turns);
  closed.lanes.take(delivery(0, "a"));
  other.lanes.take(delivery(0, "b"));
  await closed.lanes.close();
  give();
  (await other.call(0)).end(["done"]);
  await other.idle();
  expect(closed.calls).toEqual([]);
});

test("who waits for a turn has it before those who came later, also when they take theirs in the call", async () => {
  const turns = new Turns(1);
  const give = turns.take();
  const order: string[] = [];
  const first = turns.next().then((giveFirst) => {
    order.push("first");
    return giveFirst;
  });
  turns.wait(() => {
    turns.take();
    order.push("second");
  });
  give();
  const giveFirst = await first;
  expect(order).toEqual(["first"]);
  giveFirst();
  expect(order).toEqual(["first", "second"]);
});
