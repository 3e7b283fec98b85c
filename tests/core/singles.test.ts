import { afterEach, expect, test } from "bun:test";

import { HELD_MAX, WAITING_MAX } from "../../engine/transport/lane-bounds.ts";
import { Lanes } from "../../engine/transport/lanes.ts";
import type { Delivery, Verdict } from "../../engine/transport/port.ts";
import { Turns } from "../../engine/transport/turns.ts";
import { delivery } from "./lanes-bench.ts";

/** Keys that begin with `mail` are tried again and again, and a try ends when the test says so; others are done at once. */
class Mails {
  readonly lanes: Lanes;
  readonly order: string[] = [];
  /** Tries in progress, by key. */
  readonly tries = new Map<string, (verdict: Verdict | Error) => void>();
  #offset = 0;

  constructor(singles: number) {
    const handle = async (batch: readonly Delivery[], alone: boolean): Promise<readonly Verdict[]> => {
      this.order.push(...batch.map(({ key }) => key ?? ""));
      if (!alone) return batch.map((one) => first(one));
      const key = batch[0]?.key ?? "";
      const verdict = await new Promise<Verdict | Error>((resolve) => this.tries.set(key, resolve));
      this.tries.delete(key);
      if (verdict instanceof Error) throw verdict;
      return [verdict];
    };
    const subscription = { group: "post", topics: ["timeline"], lanes: 2, singles, batchMax: 100, handle };
    const port = { finished: () => {}, troubled: () => {} };
    this.lanes = new Lanes({ ...subscription, laterMs: () => 0 }, port, new Turns(100));
    open.push(this);
  }

  take(key: string, partition = 0): void {
    this.lanes.take({ ...delivery(this.#offset, key, partition), headers: { action: key.split(" ")[0] ?? "" } });
    this.#offset += 1;
  }

  now(name: string): number | undefined {
    return this.lanes.bounds.find((bound) => bound.name === `ekiden_${name}`)?.now();
  }

  /** Takes a number of messages that are due for their next try, but find no place. */
  async overdue(count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) this.take(`mail ${n}`);
    await this.until(() => this.order.length >= count && this.isFull);
    // All of them waited for the same time, which is over.
    await Bun.sleep(60);
  }

  get isFull(): boolean {
    return this.tries.size === this.lanes.bounds.find(({ name }) => name === "ekiden_singles_running")?.limit;
  }

  /** Ends the tries in progress. */
  async end(verdict: Verdict | Error = "done"): Promise<void> {
    for (const end of this.tries.values()) end(verdict);
    await new Promise((resolve) => setImmediate(resolve));
  }

  async until(holds: () => boolean): Promise<void> {
    for (let n = 0; n < 1_000 && !holds(); n += 1) await Bun.sleep(5);
    expect(holds()).toBe(true);
  }
}

const open: Mails[] = [];
afterEach(async () => {
  for (const mails of open.splice(0)) {
    const closing = mails.lanes.close();
    await mails.end();
    await closing;
  }
});

function first({ key }: Delivery): Verdict {
  if (key?.startsWith("call")) return "alone";
  return key?.startsWith("mail") ? "later" : "done";
}

test("messages whose time has come, but that find no place to go alone, take no place from others", async () => {
  const mails = new Mails(2);
  await mails.overdue(HELD_MAX);
  expect([mails.lanes.held, mails.lanes.hasRoom, mails.now("messages_in_hand")]).toEqual([HELD_MAX, true, 0]);
  expect(mails.now("messages_waiting")).toBe(HELD_MAX);
  for (let n = 0; n < HELD_MAX; n += 1) mails.take(`note ${n}`);
  await mails.until(() => mails.lanes.held === HELD_MAX);

  // A try that failed for no reason of its own takes none either, and one that is done is gone.
  await mails.end(new Error("the database is away"));
  await mails.until(() => mails.isFull);
  expect([mails.now("messages_in_hand"), mails.now("messages_waiting")]).toEqual([0, HELD_MAX]);
  await mails.end();
  await mails.until(() => mails.isFull);
  expect([mails.now("messages_in_hand"), mails.now("messages_waiting")]).toEqual([0, HELD_MAX - 2]);
});

test("that messages wait to go alone and all places are taken is a problem, and says whose", async () => {
  const mails = new Mails(2);
  mails.take("other 0");
  await mails.overdue(10);
  expect(mails.lanes.problem(60_000)).toBeUndefined();
  expect(mails.lanes.problem(-1_000)).toBe(
    "8 messages wait for over -1 s to go alone, 8 of them mail: 2 of 2 singles of post are busy; see to what that handler waits for",
  );
  for (let n = 0; n < 5; n += 1) {
    await mails.end();
    await mails.until(() => mails.isFull || mails.lanes.held === 0);
  }
  expect([mails.lanes.held, mails.lanes.problem(-1_000)]).toEqual([0, undefined]);
});

test("more of them than take no place are a problem for as long as they are more, due or not", async () => {
  const mails = new Mails(2);
  await mails.overdue(HELD_MAX + WAITING_MAX);
  expect([mails.lanes.hasRoom, mails.now("messages_in_hand")]).toEqual([false, HELD_MAX]);
  expect(mails.lanes.problem(60_000)).toBeUndefined();
  expect(mails.lanes.problem(50)).toBe("no room: 12000 messages wait for their next try, 12000 of them mail");
  await mails.end("later");
  expect(mails.lanes.problem(50)).toBe("no room: 12000 messages wait for their next try, 12000 of them mail");

  mails.lanes.forget("timeline", 0);
  await mails.end();
  await mails.until(() => mails.lanes.held === 0);
  expect([mails.now("messages_in_hand"), mails.now("messages_waiting")]).toEqual([0, 0]);
  expect(mails.lanes.problem(-1_000)).toBeUndefined();
});

test("first tries that wait for a place and fill their group's room are warned of, with whose they are and since when", async () => {
  const mails = new Mails(2);
  const from = Date.now();
  for (let n = 0; n < HELD_MAX; n += 1) mails.take(`call ${n}`);
  await mails.until(() => mails.order.length >= HELD_MAX && mails.isFull);
  expect([mails.lanes.hasRoom, mails.lanes.problem(-1_000)]).toEqual([false, undefined]);
  expect(mails.lanes.warning(60_000)).toBeUndefined();
  const [, since = "", rest] =
    /^no room for more: 2000 messages in hand, 1998 of them wait to go alone, the first since ([^,]+)(.*)$/.exec(
      mails.lanes.warning(-1_000) ?? "",
    ) ?? [];
  expect(rest).toBe(", 1998 of them call: 2 of 2 singles of post are busy; see to what that handler waits for");
  expect(Date.parse(since)).toBeWithin(from - 1, Date.now() + 1);

  // While each end makes room for one more it is no other; when many have ended it is over.
  await mails.end();
  await mails.until(() => mails.isFull);
  expect(mails.lanes.hasRoom).toBe(true);
  expect(mails.lanes.warning(-1_000)).toStartWith("no room for more: 1998 messages in hand, 1996 of them");
  mails.lanes.forget();
  expect(mails.lanes.warning(-1_000)).toBeUndefined();
});

test("a room that is filled by messages of another kind is no fault of first tries", async () => {
  const mails = new Mails(1);
  mails.take("call 0");
  mails.take("call 1");
  await mails.until(() => mails.order.filter((key) => key === "call 1").length > 0 && mails.isFull);
  // They stand behind one that is tried.
  for (let n = 2; n < HELD_MAX; n += 1) mails.take("call 0");
  expect([mails.lanes.hasRoom, mails.lanes.warning(-1_000)]).toEqual([false, undefined]);
});

test("what goes alone for the first time goes in turn with what is tried again", async () => {
  const mails = new Mails(1);
  await mails.overdue(4);
  for (const key of ["call 0", "call 1"]) mails.take(key);
  await mails.until(() => mails.order.includes("call 1"));
  // First tries are new: they do take places.
  expect([mails.now("messages_in_hand"), mails.now("messages_waiting")]).toEqual([2, 4]);
  const begun = [...mails.tries.keys()];
  for (let n = 0; n < 5; n += 1) {
    await mails.end();
    begun.push(...mails.tries.keys());
  }
  expect(begun).toEqual(["mail 0", "call 0", "mail 1", "call 1", "mail 2", "mail 3"]);
});

test("behind one that was forgotten while it waited to go alone, the next of its key begins", async () => {
  const mails = new Mails(1);
  await mails.overdue(2);
  for (const key of ["mail 2", "mail 1"]) mails.take(key, 1);
  await mails.until(() => mails.now("messages_waiting") === 3);
  mails.lanes.forget("timeline", 0);
  await mails.end();
  // Of the two that are left each is new to its partition: the one behind has its first try.
  await mails.until(() => mails.now("messages_waiting") === 2 && mails.now("messages_in_hand") === 0);
  await mails.until(() => mails.tries.size === 1);
  await mails.end();
  await mails.until(() => mails.tries.size === 1);
  await mails.end();
  await mails.until(() => mails.lanes.held === 0);
});
