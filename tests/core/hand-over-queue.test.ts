import { expect, test } from "bun:test";
import { HandOverQueue } from "../../engine/transport/embedded/hand-over-queue.ts";
import type { CommittedRequest } from "../../engine/transport/port.ts";

const row = (messageId: string, key: string, xid: number): CommittedRequest => ({
  messageId,
  topic: "timeline",
  key,
  headers: {},
  value: "{}",
  requestedAt: new Date(0),
  xid: String(xid),
});

function queue() {
  let woken = 0;
  const made = new HandOverQueue(() => {
    woken += 1;
  });
  const open = (rows: readonly CommittedRequest[], behindOthers: boolean) => {
    const ticket = made.open(rows, rows[0]?.xid ?? "0", behindOthers);
    return { ...ticket, committed: () => ticket.committed(rows) };
  };
  return { made, open, taken: () => made.take(1_000).map(({ messageId }) => messageId), woken: () => woken };
}

test("rows leave in the order of their announcement; an open transaction holds up its own keys only", () => {
  const { open, taken, woken } = queue();
  const first = open([row("a1", "a", 1)], false);
  const second = open([row("a2", "a", 2)], false);
  const other = open([row("b1", "b", 3)], false);
  second.committed();
  other.committed();
  expect(taken()).toEqual(["b1"]);
  first.committed();
  expect([taken(), woken()]).toEqual([["a1", "a2"], 3]);
});

test("a transaction whose end nobody heard holds up its keys until the table has been read past it", () => {
  const { made, open, taken } = queue();
  const lost = open([row("a1", "a", 5)], false);
  const later = open([row("a2", "a", 7)], false);
  lost.abandoned();
  later.committed();
  expect(taken()).toEqual([]);
  expect(made.settled(5n)).toBe(false);
  expect(taken()).toEqual([]);
  expect(made.settled(6n)).toBe(true);
  expect(taken()).toEqual(["a2"]);
  expect(made.bounds.map((bound) => bound.now())).toEqual([0, 0]);
});

test("an abandoned transaction that had committed is found in the table, and what waited for it goes on", () => {
  const { made, open, taken } = queue();
  const lost = open([row("a1", "a", 5)], false);
  open([row("a2", "a", 7)], false).committed();
  lost.abandoned();
  expect([made.brings("a1"), made.brings("a2")]).toEqual([false, true]);
  made.forget(new Set(["a1"]));
  expect(taken()).toEqual(["a2"]);
});

test("rows behind those of another process are never taken from memory", () => {
  const { made, open, taken } = queue();
  open([row("a1", "a", 1)], true).committed();
  open([row("a2", "a", 2)], false).committed();
  expect([taken(), made.brings("a1")]).toEqual([[], false]);
  made.forget(new Set(["a1"]));
  expect(taken()).toEqual(["a2"]);
});

test("a row that was announced and never written holds up its key no longer than until the table has been read past it", () => {
  const { made, open, taken } = queue();
  const announced = made.open([row("a1", "a", 5), row("a2", "a", 5)], "5", false);
  open([row("a3", "a", 7)], false).committed();
  announced.committed([row("a1", "a", 5)]);
  made.forget(new Set(["a1"]));
  expect(taken()).toEqual([]);
  expect(made.settled(6n)).toBe(true);
  expect(taken()).toEqual(["a3"]);
});

test("beyond its bound the queue keeps places and no bodies, and the order of a key", () => {
  const { made, open, taken } = queue();
  const many = Array.from({ length: made.bounds[0]?.limit ?? 0 }, (_, at) => row(`m${at}`, `key ${at}`, 1));
  const first = open(many, false);
  open([row("a1", "a", 2)], false).committed();
  expect(made.bounds[0]?.hits()).toBe(1);
  first.committed();
  expect(made.take(20_000)).toHaveLength(many.length);
  open([row("a2", "a", 3)], false).committed();
  expect([taken(), made.brings("a1")]).toEqual([[], false]);
  made.forget(new Set(["a1"]));
  expect(taken()).toEqual(["a2"]);
});
