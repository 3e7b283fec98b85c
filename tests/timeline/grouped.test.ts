import { expect, test } from "bun:test";
import { Grouped, type GroupResult } from "../../engine/timeline/grouped.ts";
import { Turns } from "../../engine/transport/turns.ts";

/** Groups that end when they are told to. */
function groups(
  options: { parallel?: number; max?: number; waitingMax?: number; turn?: () => Promise<() => void> } = {},
) {
  const begun: { items: readonly number[]; end(results: readonly GroupResult<string>[]): void; fail(): void }[] = [];
  const grouped = new Grouped<number, string>({
    name: "ekiden_tests_waiting",
    help: "Numbers that wait.",
    run: (items) =>
      new Promise((resolve, reject) => begun.push({ items, end: resolve, fail: () => reject(new Error("lost")) })),
    parallel: options.parallel ?? 1,
    max: options.max ?? 100,
    waitingMax: options.waitingMax ?? 100,
    ...(options.turn === undefined ? {} : { turn: options.turn }),
    full: (waiting) => new Error(`${waiting} wait`),
  });
  return { begun, grouped };
}

const values = (items: readonly number[]) => items.map((item) => ({ value: `done ${item}` }));

test("the first goes at once; those that come meanwhile go together, each with its own answer", async () => {
  const { begun, grouped } = groups();
  const calls = [1, 2, 3].map((item) => grouped.do(item));
  expect(begun.map(({ items }) => items)).toEqual([[1]]);
  expect(grouped.bound.now()).toBe(2);
  begun[0]?.end(values([1]));
  await calls[0];
  expect(begun[1]?.items).toEqual([2, 3]);
  begun[1]?.end([{ error: new Error("refused") }, { value: "third" }]);
  await expect(calls[1]).rejects.toThrow("refused");
  expect(await calls[2]).toBe("third");
});

test("a group is no larger than its bound, and no more run at once than may", async () => {
  const { begun, grouped } = groups({ parallel: 2, max: 2 });
  const calls = [1, 2, 3, 4, 5].map((item) => grouped.do(item));
  // The second begins beside the first because it is full; the fourth item finds both in progress.
  expect(begun.map(({ items }) => items)).toEqual([[1], [2, 3]]);
  for (const at of [0, 1, 2]) {
    begun[at]?.end(values(begun[at]?.items ?? []));
    await Bun.sleep(0);
  }
  expect(begun.map(({ items }) => items)).toEqual([[1], [2, 3], [4, 5]]);
  expect(await Promise.all(calls)).toEqual(["done 1", "done 2", "done 3", "done 4", "done 5"]);
});

test("a few wait for the group in progress, unless that takes long", async () => {
  const { begun, grouped } = groups({ parallel: 2, max: 3 });
  const calls = [1, 2, 3].map((item) => grouped.do(item));
  expect(begun.map(({ items }) => items)).toEqual([[1]]);
  while (begun.length < 2) await Bun.sleep(5);
  expect(begun[1]?.items).toEqual([2, 3]);
  for (const group of begun) group.end(values(group.items));
  expect(await Promise.all(calls)).toEqual(["done 1", "done 2", "done 3"]);
});

test("one item too many is refused at once and disturbs no other", async () => {
  const { begun, grouped } = groups({ waitingMax: 2 });
  const calls = [1, 2, 3].map((item) => grouped.do(item));
  await expect(grouped.do(4)).rejects.toThrow("2 wait");
  expect([grouped.bound.now(), grouped.bound.limit, grouped.bound.hits()]).toEqual([2, 2, 1]);
  begun[0]?.end(values([1]));
  await calls[0];
  begun[1]?.end(values([2, 3]));
  expect(await Promise.all(calls)).toEqual(["done 1", "done 2", "done 3"]);
});

test("an item that must come again goes first into the next group", async () => {
  const { begun, grouped } = groups({ max: 2 });
  const calls = [1, 2, 3, 4].map((item) => grouped.do(item));
  begun[0]?.end(["again"]);
  await Bun.sleep(0);
  expect(begun[1]?.items).toEqual([1, 2]);
  begun[1]?.end(values([1, 2]));
  await Bun.sleep(0);
  begun[2]?.end(values([3, 4]));
  expect(await Promise.all(calls)).toEqual(["done 1", "done 2", "done 3", "done 4"]);
});

test("a group that is lost fails all of its items and the next one runs", async () => {
  const { begun, grouped } = groups();
  const first = grouped.do(1);
  const second = grouped.do(2);
  begun[0]?.fail();
  await expect(first).rejects.toThrow("lost");
  await Bun.sleep(0);
  begun[1]?.end([]);
  await expect(second).rejects.toThrow("left out");
});

test("a group waits for its turn, takes along what comes meanwhile, and gives the turn back however it ends", async () => {
  const turns = new Turns(1);
  const { begun, grouped } = groups({ parallel: 2, max: 2, turn: () => turns.next() });
  const give = turns.take();
  const calls = Promise.allSettled([1, 2, 3].map((item) => grouped.do(item)));
  await Bun.sleep(0);
  expect(begun).toEqual([]);
  give();
  await Bun.sleep(0);
  expect(begun.map(({ items }) => items)).toEqual([[1, 2]]);
  expect(turns.free).toBe(false);
  begun[0]?.fail();
  await Bun.sleep(0);
  expect(begun[1]?.items).toEqual([3]);
  begun[1]?.end(values([3]));
  expect((await calls).map(({ status }) => status)).toEqual(["rejected", "rejected", "fulfilled"]);
  await Bun.sleep(0);
  expect(turns.free).toBe(true);
});
