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

const request = (type: string) => (stepKey: string, attempt: number, headers?: Record<string, string>) =>
  writeRequest(database.sql, {
    key: saga,
    topic: "lab.call",
    type,
    body: { input: {} },
    columns: { step_key: stepKey, action: "call", attempt },
    ...(headers === undefined ? {} : { headers }),
  });
const command = request("step.requested");
const compensation = request("compensation.requested");
const answer = (messageId: string, outcome: string) =>
  database.sql`select timeline.answer('lab', ${messageId}, ${outcome}, '{"code": "x"}')`;
/** What a transition that gives the step or its compensation up is told. */
const settle = async (stepKey: string) =>
  (
    await database.sql<{ state: string }[]>`
      select timeline.settle_step(${stepKey}, ${saga})->>'state' as state
    `
  )[0]?.state;

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
  // And it runs no more: whoever gives the step up need not wait for its timeout.
  expect(await settle(stepKey)).toBe("unknown");
});

test("a notification that was refused runs no more", async () => {
  const stepKey = `${saga}/told`;
  const id = await command(stepKey, 1, { notify: "true" });
  expect(await claim(id)).toBe("run");
  expect(await settle(stepKey)).toBe("running");
  await answer(id, "rejected");

  expect(await settle(stepKey)).toBe("unknown");
});

test("an attempt that is answered twice is refused the second time", async () => {
  const stepKey = `${saga}/again`;
  const id = await command(stepKey, 1);
  await claim(id);
  await answer(id, "succeeded");

  expect(await answer(id, "succeeded").catch((error: Error) => error.message)).toContain("not claimed");
  expect(await guardOf(stepKey)).toBe("done");
});

test("a compensation that calls counts as running until its answer", async () => {
  const ends = { failed: "compensating", unknown: "compensating", rejected: "compensating", succeeded: "compensated" };
  for (const [outcome, state] of Object.entries(ends)) {
    const stepKey = `${saga}/undone_${outcome}`;
    const done = await command(stepKey, 1);
    await claim(done);
    await answer(done, "succeeded");
    expect(await settle(stepKey)).toBe("done");
    const undo = await compensation(stepKey, 1);
    expect(await claim(undo)).toBe("run");

    expect([await settle(stepKey), await guardOf(stepKey)]).toEqual(["running", "compensating"]);
    await answer(undo, outcome);
    expect(await settle(stepKey)).toBe(state);
  }
});

test("the answer of an earlier call of a compensation does not end a later one", async () => {
  const stepKey = `${saga}/undone_twice`;
  const done = await command(stepKey, 1);
  await claim(done);
  await answer(done, "unknown");
  expect(await settle(stepKey)).toBe("unknown");
  const [first, second] = [await compensation(stepKey, 1), await compensation(stepKey, 2)];
  await claim(first);
  await claim(second);
  await answer(first, "failed");

  expect(await settle(stepKey)).toBe("running");
  await answer(second, "failed");
  expect(await settle(stepKey)).toBe("compensating");
});

test("a compensation whose call was cut runs no longer than its timeout", async () => {
  const stepKey = `${saga}/undone_cut`;
  const done = await command(stepKey, 1);
  await claim(done);
  await answer(done, "succeeded");
  await claim(await compensation(stepKey, 1));
  expect(await settle(stepKey)).toBe("running");
  await database.sql`
    update timeline.step_guard set started_until = started_until - interval '31 s' where step_key = ${stepKey}
  `;

  expect(await settle(stepKey)).toBe("compensating");
});
