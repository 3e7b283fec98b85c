import { afterAll, beforeAll, expect, test } from "bun:test";
import { timelineDatabase, type TimelineDatabase, writeRequest } from "../support/kafka.ts";

let database: TimelineDatabase;

beforeAll(async () => {
  database = await timelineDatabase();
  await database.sql`insert into timeline.topic (name) values ('timeline'), ('lab.call')`;
}, 60_000);
afterAll(async () => database?.drop(), 60_000);

const saga = "01M84000000000000000000000";
const guardOf = async (stepKey: string) =>
  (await database.sql<{ state: string }[]>`select state from timeline.step_guard where step_key = ${stepKey}`)[0]
    ?.state;

/** Claims a command as an external participant does, in a transaction of its own. */
async function claim(messageId: string): Promise<string | undefined> {
  const message = {
    topic: "lab.call",
    partition: 0,
    offset: 0,
    timestamp: Date.now(),
    key: saga,
    headers: { id: messageId },
  };
  const [row] = await database.sql<
    { verdict: string }[]
  >`select verdict from timeline.claim('lab', ${database.sql.json(message)}, true)`;
  return row?.verdict;
}

const command = (stepKey: string, attempt: number) =>
  writeRequest(database.sql, {
    key: saga,
    topic: "lab.call",
    type: "step.requested",
    body: { input: {} },
    columns: { step_key: stepKey, action: "call", attempt },
  });
const answer = (messageId: string, outcome: string) =>
  database.sql`select timeline.answer('lab', ${messageId}, ${outcome}, '{"code": "x"}')`;

test("a call that was not sent takes back its own `started`", async () => {
  const stepKey = `${saga}/alone`;
  const id = await command(stepKey, 1);
  expect(await claim(id)).toBe("run");
  expect(await guardOf(stepKey)).toBe("started");
  await answer(id, "failed");

  expect(await guardOf(stepKey)).toBeUndefined();
});

test("it takes nothing back when an earlier call of the step may have arrived", async () => {
  const stepKey = `${saga}/twice`;
  const first = await command(stepKey, 1);
  expect(await claim(first)).toBe("run");
  await answer(first, "unknown");
  // Delivered again by a rewind, and this time the other side was not reached.
  expect(await claim(first)).toBe("run");
  await answer(first, "failed");

  expect(await guardOf(stepKey)).toBe("started");
});

test("an attempt that is answered twice is refused the second time", async () => {
  const stepKey = `${saga}/again`;
  const id = await command(stepKey, 1);
  await claim(id);
  await answer(id, "succeeded");

  expect(await answer(id, "succeeded").catch((error: Error) => error.message)).toContain("not claimed");
  expect(await guardOf(stepKey)).toBe("done");
});
