import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect, type Sql } from "../../engine/timeline/database.ts";
import { claimMessage } from "../../engine/transport/foreign.ts";
import type { Delivery } from "../../engine/transport/port.ts";
import { type Parts, partsOf, prepare, type Standing, stand } from "../support/isolation/crossing.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";

/**
 * PostgreSQL sends a transaction to the connector as soon as its commit stands in the log. Others see its rows a moment
 * later: after a scheduler's turn, or, with a synchronous standby, a round trip. A message that Kafka brings in between
 * was taken for one that nobody had asked for, and the saga stood still until the auditor sent it again.
 */
let database: FreshDatabase;
let sql: Sql;
let parts: Parts;
let standing: Standing;

beforeAll(async () => {
  database = await freshDatabase();
  sql = connect(database.url, { max: 4, name: "early" });
  await prepare(sql, database.url);
  parts = await partsOf(sql, database.url, "early/1");
  standing = await stand(sql, parts, "early");
}, 60_000);
afterAll(async () => {
  await parts?.close();
  await sql?.end({ timeout: 5 });
  await database?.drop();
}, 30_000);

const JUST_NOW = () => new Date(Date.now() + 60_000);
const LONG_AGO = new Date(0);

/** Handles a copy of a message under a new id while its transaction is open, then after its commit. */
async function beforeAndAfter(
  delivery: Delivery,
  handle: (delivery: Delivery) => Promise<unknown>,
): Promise<readonly [unknown, unknown]> {
  const writer = await sql.reserve();
  try {
    await writer`begin`;
    const [copy] = await writer<{ id: string }[]>`
      insert into timeline.event_request (message_id, correlation_id, causation_id, topic, message_key, message_type, saga,
        step_key, action, attempt, message_headers, message_body, producer)
      select timeline.new_ulid(), correlation_id, causation_id, topic, message_key, message_type, saga, step_key, action,
        attempt, message_headers, message_body, producer
      from timeline.event_request where message_id = ${delivery.headers["id"] ?? ""}
      returning message_id as id
    `;
    const headers = { ...delivery.headers, id: (copy as { id: string }).id };
    const early = { ...delivery, headers, receivedAt: JUST_NOW() };
    const before = await handle(early);
    await writer`commit`;
    return [before, await handle(early)];
  } finally {
    await writer`rollback`;
    writer.release();
  }
}

async function foreign(): Promise<number> {
  const rows = await sql`select from timeline.event_consumption where foreign_id is not null`;
  return rows.length;
}

const WAYS: readonly [string, () => Delivery, (delivery: Delivery) => Promise<unknown>][] = [
  ["the dispatcher", () => standing.answer, (delivery) => parts.dispatch([delivery])],
  ["a participant's batch", () => standing.commands[0] as Delivery, (delivery) => parts.command(delivery, false)],
  ["a participant", () => standing.commands[0] as Delivery, (delivery) => parts.command(delivery, true)],
];

test.each(WAYS)("%s waits for a request whose transaction cannot be seen yet", async (_who, which, handle) => {
  expect(await beforeAndAfter(which(), handle)).toEqual([["later"], ["done"]]);
  expect(await foreign()).toBe(0);
});

test.each(WAYS)("%s does not wait for ever: what does not appear is foreign", async (_who, which, handle) => {
  const before = await foreign();
  const headers = { ...which().headers, id: "01M84000000000000000000000" };
  const offset = 1_000 + before;
  expect(await handle({ ...which(), offset, headers, receivedAt: LONG_AGO })).toEqual(["done"]);
  expect(await foreign()).toBe(before + 1);
});

test.each(WAYS)("%s does not wait for what bears no id of ours", async (_who, which, handle) => {
  const before = await foreign();
  const headers = { ...which().headers, id: "42" };
  const offset = 1_000 + before;
  expect(await handle({ ...which(), offset, headers, receivedAt: JUST_NOW() })).toEqual(["done"]);
  expect(await foreign()).toBe(before + 1);
});

/** What a program outside the engine is told of a delivery. */
async function claimed(delivery: Delivery, isolation = "read committed"): Promise<string | undefined> {
  const message = { ...claimMessage(delivery, "program"), value: delivery.value };
  const [row] = await sql.begin(
    `isolation level ${isolation}`,
    (tx) => tx<{ verdict: string }[]>`select verdict from timeline.claim('lab', ${tx.json(message as never)})`,
  );
  return row?.verdict;
}

test("a program outside the engine waits in its claim for a request whose transaction cannot be seen yet", async () => {
  const delivery = { ...(standing.commands[0] as Delivery), recordedAt: new Date() };
  const before = await foreign();
  let claim: Promise<string | undefined> | undefined;
  const [, after] = await beforeAndAfter(delivery, async (early) => {
    claim ??= claimed({ ...early, recordedAt: new Date() });
    // Its first look finds nothing: the writer has not committed.
    const first = await Promise.race([claim, Bun.sleep(300).then(() => "waits")]);
    return first === "waits" ? first : claim;
  });
  expect(after).not.toBe("skip");
  expect(await claim).not.toBe("skip");
  expect(await foreign()).toBe(before);
});

test("a program outside the engine does not wait for what was written long ago", async () => {
  const before = await foreign();
  const headers = { ...(standing.commands[0] as Delivery).headers, id: "01M84000000000000000000001" };
  const began = performance.now();
  const late = { ...(standing.commands[0] as Delivery), offset: 5_000, headers, recordedAt: LONG_AGO };
  expect(await claimed(late)).toBe("skip");
  expect(performance.now() - began).toBeLessThan(2_000);
  expect(await foreign()).toBe(before + 1);
});

test.each(["repeatable read", "serializable"])(
  "a program's transaction that is %s, and so never sees the request, fails and claims it in the next one",
  async (isolation) => {
    const before = await foreign();
    const delivery = { ...(standing.commands[0] as Delivery), recordedAt: new Date() };
    const [early, after] = await beforeAndAfter(delivery, (one) =>
      claimed({ ...one, recordedAt: new Date() }, isolation).catch(({ code }: { code: string }) => code),
    );
    expect(early).toBe("40001");
    expect(after).not.toBe("skip");
    expect(await foreign()).toBe(before);
  },
);

test.each([
  ["long ago", () => LONG_AGO],
  ["by a clock that is far ahead", () => new Date(Date.now() + 3_600_000)],
])("what is foreign and was written %s is so in such a transaction, too", async (_when, recordedAt) => {
  const before = await foreign();
  const headers = { ...(standing.commands[0] as Delivery).headers, id: "01M84000000000000000000002" };
  const one = { ...(standing.commands[0] as Delivery), offset: 6_000 + before, headers, recordedAt: recordedAt() };
  expect(await claimed(one, "repeatable read")).toBe("skip");
  expect(await foreign()).toBe(before + 1);
});

test("a program does not wait for a request that it sees, and that was never its own", async () => {
  const before = await foreign();
  const began = performance.now();
  for (const topic of ["lab.two", "lab.three"])
    expect(await claimed({ ...(standing.commands[0] as Delivery), offset: 7_000, topic, recordedAt: new Date() })).toBe(
      "skip",
    );
  expect(performance.now() - began).toBeLessThan(2_000);
  expect(await foreign()).toBe(before + 2);
});
