import { afterAll, beforeAll, expect, test } from "bun:test";
import { timelineDatabase, type TimelineDatabase, writeRequest } from "../support/kafka.ts";

let database: TimelineDatabase;

beforeAll(async () => {
  database = await timelineDatabase();
  await database.sql`insert into timeline.topic (name) values ('timeline'), ('lab.call')`;
}, 60_000);
afterAll(async () => database?.drop(), 60_000);

const saga = "01M84000000000000000000000";

const notification = (step: string) =>
  writeRequest(database.sql, {
    key: saga,
    topic: "lab.call",
    type: "step.requested",
    body: { input: {} },
    columns: { step_key: `${saga}/${step}`, action: "call", attempt: 1 },
    // The text: the claim asks for no more.
    headers: { notify: "true" },
  });

const messageOf = (id: string, consumer: string) =>
  database.sql.json({
    topic: "lab.call",
    partition: 0,
    offset: 0,
    timestamp: Date.now(),
    key: saga,
    headers: { id },
    consumer,
  });

/** Claims it for a call outside of the transaction. */
async function claim(id: string, consumer: string): Promise<string | undefined> {
  const [row] = await database.sql<{ verdict: string }[]>`
    select verdict from timeline.claim('lab', ${messageOf(id, consumer)}, true)
  `;
  return row?.verdict;
}

const failTry = (id: string, consumer: string) =>
  database.sql`select timeline.fail_try('lab', ${messageOf(id, consumer)}, true, 'late', 'it hung', null)`;

const giveUp = (id: string) =>
  database.sql`select timeline.answer('lab', ${id}, 'failed', '{"code": "down", "message": "nobody there"}')`;

async function consumptionOf(id: string) {
  const [row] = await database.sql`
    select attempts, consumer, error_flag, error_code, consumed_at is not null as consumed
    from timeline.event_consumption where consumer_group = 'lab' and message_id = ${id}
  `;
  return { ...row };
}

async function failuresOf(id: string) {
  const rows = await database.sql`
    select attempt, code from timeline.event_consumption_failure where message_id = ${id} order by 1
  `;
  return rows.map((row) => ({ ...row }));
}

test("a call that hung at a consumer which has lost the notification takes nothing from who gave it up since", async () => {
  const id = await notification("given_up");
  expect(await claim(id, "slow")).toBe("run");
  expect(await claim(id, "next")).toBe("run");
  await giveUp(id);
  const before = await consumptionOf(id);
  expect(before).toEqual({ attempts: 2, consumer: "next", error_flag: true, error_code: "down", consumed: true });
  await failTry(id, "slow");
  expect(await consumptionOf(id)).toEqual(before);
});

test("nor does it take the place of who is at it now, whose failure can still be written", async () => {
  const id = await notification("in_progress");
  expect(await claim(id, "slow")).toBe("run");
  expect(await claim(id, "next")).toBe("run");
  const before = await consumptionOf(id);
  await failTry(id, "slow");
  expect(await consumptionOf(id)).toEqual(before);
  await giveUp(id);
  expect(await failuresOf(id)).toEqual([{ attempt: 2, code: "down" }]);
});

test("a try of whoever has claimed it last is recorded", async () => {
  const id = await notification("own");
  expect(await claim(id, "one")).toBe("run");
  await failTry(id, "one");
  expect(await consumptionOf(id)).toMatchObject({ attempts: 1, error_flag: false, consumed: false });
  expect(await failuresOf(id)).toEqual([{ attempt: 1, code: "late" }]);
});
