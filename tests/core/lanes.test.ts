import { expect, test } from "bun:test";
import fc from "fast-check";

import { HELD_MAX } from "../../engine/transport/lane-bounds.ts";
import { Lanes } from "../../engine/transport/lanes.ts";
import type { Delivery, Verdict } from "../../engine/transport/port.ts";
import { Turns } from "../../engine/transport/turns.ts";
import { delivery, LanesBench as Bench } from "./lanes-bench.ts";

test("batches in progress never share a key, and other keys overtake a busy one", async () => {
  const bench = new Bench({ batchMax: 1 });
  for (const [offset, key] of ["a", "a", "b", "a", "c"].entries()) bench.lanes.take(delivery(offset, key));

  expect(bench.calls.map((call) => call.offsets)).toEqual([[0], [2], [4]]);
  bench.calls[0]?.end(["done"]);
  expect((await bench.call(3)).offsets).toEqual([1]);
  expect(bench.calls).toHaveLength(4);
});

test("a batch and a group are bounded in bytes as well as in messages", async () => {
  const bench = new Bench({ batchMax: 10, lanes: 1 });
  const large = (offset: number, bytes: number) => ({
    ...delivery(offset, `key ${offset}`),
    value: "x".repeat(bytes),
  });
  for (let offset = 0; offset < 8; offset += 1) bench.lanes.take(large(offset, 1_500_000));
  bench.calls[0]?.end(["done"]);
  // The first went alone; of the rest as many as fit into 4 MiB, and one more.
  expect((await bench.call(1)).offsets).toEqual([1, 2, 3]);
  expect(bench.lanes.hasRoom).toBe(true);
  for (let offset = 8; offset < 30; offset += 1) bench.lanes.take(large(offset, 1_500_000));
  expect(bench.lanes.hasRoom).toBe(false);
  await Promise.all([bench.lanes.drop(), bench.calls[1]?.end(["done", "done", "done"])]);
  const bytes = bench.lanes.bounds.find(({ name }) => name === "ekiden_message_bytes_in_hand");
  expect([bench.lanes.held, bytes?.now()]).toEqual([0, 0]);
});

test("a few messages wait for the batch in progress, many do not, and a batch that takes long lets them go", async () => {
  const bench = new Bench({ batchMax: 8, lanes: 2 });
  bench.lanes.take(delivery(0, "a"));
  for (let offset = 1; offset < 4; offset += 1) bench.lanes.take(delivery(offset, `key ${offset}`));
  expect(bench.calls.map((call) => call.offsets)).toEqual([[0]]);
  bench.lanes.take(delivery(4, "key 4"));
  expect(bench.calls.map((call) => call.offsets)).toEqual([[0], [1, 2, 3, 4]]);
  bench.calls[1]?.end(["done", "done", "done", "done"]);
  bench.lanes.take(delivery(5, "key 5"));
  expect((await bench.call(2)).offsets).toEqual([5]);
  for (const call of bench.calls) call.end(["done"]);
});

test("what may rest goes with the next of its key, with a batch of others, or by itself in the end", async () => {
  const bench = new Bench({ batchMax: 3, mayRest: ({ offset }) => offset < 10 });
  bench.lanes.take(delivery(0, "a"));
  bench.lanes.take(delivery(1, "b"));
  bench.lanes.take(delivery(2, "b"));
  expect(bench.calls).toHaveLength(0);

  // Behind the one that rests, and the batch takes along as many of the others as it has room for, a key's first ones first.
  bench.lanes.take(delivery(10, "a"));
  expect((await bench.call(0)).offsets).toEqual([0, 10, 1]);
  bench.calls[0]?.end(["done", "done", "done"]);

  expect((await bench.call(1)).offsets).toEqual([2]);
  bench.calls[1]?.end(["done"]);
  await bench.idle();
  expect(bench.watermark()).toBe(11);
});

test("what may not begin yet waits, and keeps none waiting that may", async () => {
  let calling = false;
  const mayBegin = ({ key }: Delivery) => {
    if (key === "single") return true;
    const free = !calling;
    calling = true;
    return free;
  };
  const bench = new Bench({ batchMax: 1, mayBegin });
  for (const [offset, key] of ["call a", "call b", "call c", "single"].entries())
    bench.lanes.take(delivery(offset, key));
  for (const index of [0, 1, 2, 3]) (await bench.call(index)).end(["alone"]);
  const alone = async (index: number) => (await bench.call(4 + index)).offsets[0];

  expect([await alone(0), await alone(1)]).toEqual([0, 3]);
  calling = false;
  bench.calls[4]?.end(["done"]);
  expect(await alone(2)).toBe(1);
  // The place of the single is free, and the last call must wait all the same.
  bench.calls[5]?.end(["done"]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(bench.calls).toHaveLength(7);
  calling = false;
  bench.calls[6]?.end(["done"]);
  expect(await alone(3)).toBe(2);
  bench.calls[7]?.end(["done"]);
  await bench.idle();
});

test("messages without a key hold up nobody", () => {
  const bench = new Bench({ batchMax: 1 });
  for (const offset of [0, 1, 2]) bench.lanes.take(delivery(offset, null));

  expect(bench.calls.map((call) => call.offsets)).toEqual([[0], [1], [2]]);
});

test("the watermark stops at the first unfinished message while later ones end", async () => {
  const bench = new Bench({ batchMax: 1 });
  for (const [offset, key] of ["a", "b", "c"].entries()) bench.lanes.take(delivery(offset, key));
  bench.calls[1]?.end(["done"]);
  bench.calls[2]?.end(["done"]);
  while (bench.finished.length < 2) await Promise.resolve();
  expect(bench.watermark()).toBe(0);

  bench.calls[0]?.end(["done"]);
  await bench.idle();
  expect(bench.watermark()).toBe(3);
});

test("a message without an outcome comes again until it has one, and before the rest of its key", async () => {
  const bench = new Bench({ batchMax: 5 });
  bench.lanes.take(delivery(0, "a"));
  bench.lanes.take(delivery(1, "a"));
  for (const index of [0, 1, 2]) {
    const call = await bench.call(index);
    expect(call.offsets[0]).toBe(0);
    call.end(["again"]);
  }
  (await bench.call(3)).end(["done", "done"]);
  await bench.idle();

  expect(bench.watermark()).toBe(2);
});

test("a verdict other than done holds for all later messages of the key in the batch", async () => {
  const bench = new Bench({ lanes: 1 });
  bench.lanes.take(delivery(0, "z"));
  for (const [index, key] of ["a", "b", "a"].entries()) bench.lanes.take(delivery(index + 1, key));
  bench.calls[0]?.end(["done"]);
  const batch = await bench.call(1);
  expect(batch.offsets).toEqual([1, 3, 2]);
  batch.end(["alone", "done", "done"]);

  const alone = await bench.call(2);
  expect([alone.offsets, alone.alone]).toEqual([[1], true]);
  alone.end(["done"]);
  expect((await bench.call(3)).offsets).toEqual([3]);
});

test("messages that go alone have places of their own, and hold up no batch", async () => {
  const bench = new Bench({ lanes: 1 });
  for (const [offset, key] of ["a", "b", "c"].entries()) bench.lanes.take(delivery(offset, key));
  bench.calls[0]?.end(["alone"]);
  (await bench.call(1)).end(["done"]);
  const batch = bench.calls.find((call) => call.offsets.includes(1));
  expect(batch?.alone).toBe(false);
  batch?.end(["alone", "alone"]);
  while (bench.calls.filter((call) => call.alone).length < 2) await bench.call(bench.calls.length);
  bench.lanes.take(delivery(3, "d"));

  expect(bench.calls.at(-1)).toMatchObject({ offsets: [3], alone: false });
});

test("a batch that throws comes again, and in the end apart, so that its culprit blocks its own key only", async () => {
  const bench = new Bench({ lanes: 1 });
  bench.lanes.take(delivery(0, "start"));
  bench.lanes.take(delivery(1, "poison"));
  bench.lanes.take(delivery(2, "good"));
  bench.calls[0]?.end(["done"]);
  for (let index = 1; bench.watermark() !== 1 || bench.lanes.held === 2; index += 1) {
    const call = await bench.call(index);
    call.end(call.offsets.includes(1) ? new Error("a poison message") : ["done"]);
    await bench.lanes.room();
  }

  expect(bench.lanes.held).toBe(1);
  expect(bench.troubles.length).toBeGreaterThan(1);
  await bench.lanes.drop();
});

test("after a drop the same offsets are taken again, once what was in progress has ended", async () => {
  const bench = new Bench({ lanes: 1, batchMax: 1 });
  for (const offset of [0, 1, 2]) bench.lanes.take(delivery(offset, "a"));
  let dropped = false;
  const drop = bench.lanes.drop("timeline", 0).then(() => (dropped = true));
  await Promise.resolve();
  expect(dropped).toBe(false);
  bench.calls[0]?.end(["done"]);
  await drop;

  expect([bench.lanes.held, bench.lanes.position("timeline", 0), bench.watermark()]).toEqual([0, null, 1]);
  bench.lanes.take(delivery(1, "a"));
  expect((await bench.call(1)).offsets).toEqual([1]);
});

test("a drop leaves other partitions alone", async () => {
  const bench = new Bench({ lanes: 1, batchMax: 1 });
  bench.lanes.take(delivery(0, "a", 0));
  bench.lanes.take(delivery(7, "b", 1));
  bench.calls[0]?.end(["again"]);
  await bench.lanes.drop("timeline", 0);

  expect((await bench.call(1)).offsets).toEqual([7]);
  expect(bench.lanes.held).toBe(1);
});

test("a forgotten partition moves no offset, and a key still in progress is not run beside itself", async () => {
  const bench = new Bench();
  bench.lanes.take(delivery(5, "a"));
  bench.lanes.forget();
  bench.lanes.take(delivery(5, "a"));
  expect(bench.calls).toHaveLength(1);

  bench.calls[0]?.end(["done"]);
  const again = await bench.call(1);
  expect(bench.finished).toEqual([]);
  again.end(["done"]);
  await bench.idle();
  expect(bench.finished).toEqual([[0, 6]]);
});

test("a key that was dropped while ready is not run twice at a time when it returns", async () => {
  const bench = new Bench({ lanes: 2, batchMax: 1 });
  bench.lanes.take(delivery(0, "x"));
  bench.lanes.take(delivery(1, "y"));
  bench.lanes.take(delivery(2, "a"));
  bench.lanes.forget();
  for (const offset of [2, 3]) bench.lanes.take(delivery(offset, "a"));
  bench.calls[0]?.end(["done"]);
  bench.calls[1]?.end(["done"]);
  expect((await bench.call(2)).offsets).toEqual([2]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(bench.calls).toHaveLength(3);
});

test("offsets that hold nothing to consume count as done once everything before them is", async () => {
  const bench = new Bench();
  bench.lanes.take(delivery(0, "a"));
  bench.lanes.pass("timeline", 0, 2);
  expect(bench.watermark()).toBeUndefined();
  bench.calls[0]?.end(["done"]);
  await bench.idle();
  expect(bench.watermark()).toBe(2);
  bench.lanes.pass("timeline", 0, 3);
  expect(bench.watermark()).toBe(3);
});

test("lanes say when they are full, and when there is room again", async () => {
  const bench = new Bench({ lanes: 1, batchMax: HELD_MAX });
  for (let offset = 0; offset < HELD_MAX; offset += 1) bench.lanes.take(delivery(offset, "a"));
  expect(bench.lanes.hasRoom).toBe(false);
  const room = bench.lanes.room();
  bench.calls[0]?.end(["done"]);
  await room;
  expect(bench.lanes.held).toBe(HELD_MAX - 1);
  await Promise.all([bench.lanes.close(), bench.call(1).then((call) => call.end([]))]);
});

test("a closed lane takes nothing more", async () => {
  const bench = new Bench();
  await bench.lanes.close();
  bench.lanes.take(delivery(0, "a"));
  expect([bench.calls.length, bench.lanes.held]).toEqual([0, 0]);
});

test("whatever the verdicts: each key in order, one batch at a time, no watermark past an unfinished message", async () => {
  const arrival = fc.record({ key: fc.constantFrom("a", "b", "c", null), partition: fc.nat(1), fails: fc.nat(1) });
  const limits = fc.record({ lanes: fc.integer({ min: 1, max: 3 }), batchMax: fc.integer({ min: 1, max: 4 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(arrival, { minLength: 1, maxLength: 12 }), limits, async (arrivals, size) => {
      const fails = new Map<string, number>();
      const open = new Set<string>();
      const taken: string[] = [];
      const ended: { place: string; key: string | null }[] = [];
      const busy = new Set<string>();
      const handle = async (batch: readonly Delivery[]): Promise<readonly Verdict[]> => {
        const keys = new Set(batch.flatMap((one) => (one.key === null ? [] : [one.key])));
        for (const key of keys) expect(busy.has(key)).toBe(false);
        for (const key of keys) busy.add(key);
        await new Promise((resolve) => setImmediate(resolve));
        for (const key of keys) busy.delete(key);
        const blocked = new Set<string>();
        return batch.map((one) => {
          const place = `${one.partition}/${one.offset}`;
          const left = fails.get(place) ?? 0;
          fails.set(place, left - 1);
          if (left > 0 || blocked.has(one.key ?? place)) {
            blocked.add(one.key ?? place);
            return "alone";
          }
          open.delete(place);
          ended.push({ place, key: one.key });
          return "done";
        });
      };
      const watermarks = [0, 0];
      const finished = (_topic: string, partition: number, offset: number) => {
        watermarks[partition] = offset;
        for (const place of open) {
          const [at, first] = place.split("/").map(Number);
          if (at === partition) expect(first).toBeGreaterThanOrEqual(offset);
        }
      };
      const lanes = new Lanes(
        { group: "g", topics: ["timeline"], singles: 2, ...size, handle },
        { finished, troubled: () => {} },
        new Turns(100),
      );
      const next = [0, 0];
      for (const { key, partition, fails: times } of arrivals) {
        const offset = next[partition] ?? 0;
        next[partition] = offset + 1;
        fails.set(`${partition}/${offset}`, times);
        open.add(`${partition}/${offset}`);
        taken.push(`${partition}/${offset}`);
        lanes.take(delivery(offset, key, partition));
      }
      while (lanes.held > 0) await new Promise((resolve) => setImmediate(resolve));

      expect(watermarks).toEqual(next);
      for (const key of ["a", "b", "c"]) {
        const order = ended.filter((one) => one.key === key).map((one) => taken.indexOf(one.place));
        expect(order).toEqual([...order].sort((left, right) => left - right));
      }
    }),
    { numRuns: 100 },
  );
});

test("a message that waits for its time comes again without counting as a failure", async () => {
  let due = false;
  const bench = new HandlerBench(async (batch) => batch.map(() => (due ? "done" : "later")));
  bench.lanes.take(delivery(0, "a"));
  while (bench.handled < 2) await Bun.sleep(10);

  expect(bench.lanes.problem(-1_000)).toBeUndefined();
  due = true;
  while (bench.lanes.held > 0) await Bun.sleep(10);
});

test("a batch that hangs is a problem even while another lane is free", async () => {
  const { promise: held, resolve: end } = Promise.withResolvers<void>();
  const bench = new HandlerBench(async (batch) => {
    await held;
    return batch.map(() => "done");
  });
  bench.lanes.take(delivery(0, "a"));

  expect(bench.lanes.problem(60_000)).toBeUndefined();
  expect(bench.lanes.problem(-1_000)).toContain("a batch in progress");
  end();
  while (bench.lanes.held > 0) await Bun.sleep(5);
});

/** Lanes over a handler that counts its calls. */
class HandlerBench {
  handled = 0;
  readonly lanes: Lanes;

  constructor(handle: (batch: readonly Delivery[]) => Promise<readonly Verdict[]>) {
    const counting = async (batch: readonly Delivery[]) => {
      this.handled += 1;
      return handle(batch);
    };
    const subscription = { group: "g", topics: ["timeline"], lanes: 2, singles: 2, batchMax: 10, handle: counting };
    this.lanes = new Lanes(subscription, { finished: () => {}, troubled: () => {} }, new Turns(100));
  }
}

test("what comes again is no process's own any more: not after a verdict, and not after a batch that threw", async () => {
  const bench = new Bench({ batchMax: 3 });
  const own = (offset: number, key: string): Delivery => ({ ...delivery(offset, key), own: true });
  bench.lanes.take(own(0, "a"));
  expect(bench.calls[0]?.own).toEqual([0]);
  bench.calls[0]?.end(["alone"]);
  expect((await bench.call(1)).own).toEqual([]);
  bench.calls[1]?.end(["done"]);
  await bench.idle();

  bench.lanes.take(own(1, "b"));
  expect((await bench.call(2)).own).toEqual([1]);
  bench.calls[2]?.end(new Error("the connection was lost"));
  expect((await bench.call(3)).offsets).toEqual([1]);
  expect(bench.calls[3]?.own).toEqual([]);
  bench.calls[3]?.end(["done"]);
});
