import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import * as v from "valibot";

import type { Api } from "../../engine/api/api-env.ts";
import { Message, MessageList } from "../../engine/api/message-schema.ts";
import { createApi } from "../../engine/api/server.ts";
import { newId } from "../../engine/timeline/ids.ts";
import { type ApiDatabase, apiDatabase } from "./api-database.ts";
import { keptLog, readingEngine } from "./reading-engine.ts";
import { insertConsumption, insertMessage, insertSaga } from "./saga-rows.ts";

let database: ApiDatabase;
let app: Api;

beforeAll(async () => {
  database = await apiDatabase();
  app = createApi({ engine: readingEngine(), sql: database.sql, log: keptLog() });
}, 60_000);
afterAll(() => database?.end());
beforeEach(async () => {
  await database.sql`truncate timeline.event_request, timeline.event_consumption, timeline.event_consumption_failure`;
});

async function list(query: string) {
  const response = await app.request(`/v1/messages${query}`);
  expect(response.status).toBe(200);
  const { items, nextCursor } = v.parse(MessageList, await response.json());
  return { ids: items.map((item) => item.messageId), nextCursor };
}

async function someMessages() {
  const { sql } = database;
  const sagaId = await insertSaga(sql);
  const topic = "screening.examine";
  const done = await insertMessage(sql, { sagaId, type: "step.requested", topic });
  await insertConsumption(sql, { group: "screening", messageId: done, topic, sagaId });
  const failed = await insertMessage(sql, { sagaId, type: "step.requested", topic });
  await insertConsumption(sql, { group: "screening", messageId: failed, topic, sagaId, error: "broken" });
  await insertConsumption(sql, { group: "audit", messageId: failed, topic, sagaId });
  const event = await insertMessage(sql, { sagaId: await insertSaga(sql), type: "saga.started" });
  return { sagaId, done, failed, event };
}

test("every filter narrows the list, and several narrow it together", async () => {
  const { sagaId, done, failed, event } = await someMessages();
  const expected: [string, string[]][] = [
    ["", [event, failed, done]],
    ["?error=true", [failed]],
    ["?error=false", [event, done]],
    ["?error=true&group=screening", [failed]],
    ["?error=true&group=audit", []],
    ["?group=audit", [failed]],
    ["?group=screening", [failed, done]],
    ["?topic=timeline", [event]],
    ["?error=true&topic=timeline", []],
    [`?saga=${sagaId}`, [failed, done]],
    [`?error=true&saga=${sagaId.toLowerCase()}`, [failed]],
  ];
  for (const [query, ids] of expected) expect([query, (await list(query)).ids]).toEqual([query, ids]);
});

test("messages about one step are listed by its key: every attempt and every answer, also without their bodies", async () => {
  const sagaId = await insertSaga(database.sql);
  const about = (path: string, type: string) =>
    insertMessage(database.sql, { sagaId, type, topic: "screening.examine", step: path });
  const first = await about("screen", "step.requested");
  const answer = await about("screen", "step.failed");
  await about("screen/compensate/note", "step.requested");
  await about("screening", "step.requested");
  const again = await about("screen", "step.requested");
  await insertConsumption(database.sql, { group: "screening", messageId: again, error: "broken" });
  const query = `?stepKey=${encodeURIComponent(`${sagaId}/screen`)}`;
  expect((await list(query)).ids).toEqual([again, answer, first]);
  expect((await list(`${query}&error=true`)).ids).toEqual([again]);
  expect((await list("?stepKey=elsewhere")).ids).toEqual([]);
  const bare = await app.request(`/v1/messages${query}&bodies=false`);
  const { items } = v.parse(MessageList, await bare.json());
  expect(items.map((item) => "body" in item)).toEqual([false, false, false]);
});

test("pages of failed messages follow each other, each message once", async () => {
  const sagaId = await insertSaga(database.sql);
  const ids: string[] = [];
  for (let count = 0; count < 3; count += 1) {
    const id = await insertMessage(database.sql, { sagaId, type: "step.requested" });
    await insertConsumption(database.sql, { group: "a", messageId: id, error: "broken" });
    await insertConsumption(database.sql, { group: "b", messageId: id, error: "broken" });
    ids.unshift(id);
  }
  const first = await list("?error=true&limit=2");
  const second = await list(`?error=true&limit=2&cursor=${first.nextCursor}`);
  expect([first.ids, second.ids, second.nextCursor]).toEqual([ids.slice(0, 2), ids.slice(2), null]);
});

test("a foreign message is shown by what its consumption kept", async () => {
  const id = newId();
  await insertConsumption(database.sql, {
    group: "screening",
    messageId: id,
    topic: "screening.examine",
    foreignId: "x-1",
    error: "not asked for",
    body: { from: "elsewhere" },
  });
  const response = await app.request(`/v1/messages/${id}`);
  expect(v.parse(Message, await response.json())).toMatchObject({
    messageId: id,
    sagaId: null,
    type: null,
    producer: null,
    requestedAt: null,
    body: { from: "elsewhere" },
    consumptions: [{ group: "screening", foreignId: "x-1", error: true }],
    failures: [{ message: "not asked for" }],
  });
  expect((await list("?error=true")).ids).toEqual([id]);
});

test("a message that does not exist is 404", async () => {
  expect((await app.request("/v1/messages/01KAS0CW5V8XJQ6Z3T4M7N9PRD")).status).toBe(404);
});
