import { afterAll, beforeAll, expect, test } from "bun:test";
import * as v from "valibot";

import type { Api } from "../../engine/api/api-env.ts";
import { Timeline } from "../../engine/api/message-schema.ts";
import { createApi } from "../../engine/api/server.ts";
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

async function timeline(sagaId: string, query = "") {
  const response = await app.request(`/v1/sagas/${sagaId}/timeline${query}`);
  expect(response.status).toBe(200);
  const page = v.parse(Timeline, await response.json());
  return { ...page, ids: page.items.map((item) => item.messageId) };
}

/** Seven messages, three of them in the same millisecond, written in an order that is not that of their ids. */
async function sevenMessages() {
  const sagaId = await insertSaga(database.sql);
  const micros = ["000001", "000002", "000003", "001000", "002000", "003000", "004000"];
  const ids: string[] = [];
  for (const each of micros.toReversed()) {
    ids.unshift(
      await insertMessage(database.sql, {
        sagaId,
        type: "step.requested",
        requestedAt: `2026-11-01T10:00:00.${each}Z`,
      }),
    );
  }
  return { sagaId, ids };
}

test("a timeline says of every message who, when, what, where, and what became of it", async () => {
  const { sql } = database;
  const sagaId = await insertSaga(sql);
  const topic = "screening.examine";
  const id = await insertMessage(sql, {
    sagaId,
    type: "step.requested",
    topic,
    step: "screen",
    body: { input: { n: 1 } },
    requestedAt: "2026-11-01T10:00:00Z",
  });
  await insertConsumption(sql, { group: "screening", messageId: id, topic, sagaId, error: "points table is broken" });
  const { items } = await timeline(sagaId);
  const where = { partition: 0, offset: 7, consumer: "here:1" };
  expect(items).toEqual([
    {
      messageId: id,
      sagaId,
      causationId: null,
      topic,
      key: sagaId,
      type: "step.requested",
      saga: "onboarding",
      stepKey: `${sagaId}/screen`,
      action: null,
      attempt: null,
      traceparent: null,
      producer: "test@here",
      requestedAt: "2026-11-01T10:00:00.000Z",
      headers: null,
      body: { input: { n: 1 } },
      late: false,
      consumptions: [
        {
          group: "screening",
          ...where,
          recordedAt: null,
          receivedAt: null,
          startedAt: expect.any(String),
          consumedAt: expect.any(String),
          attempts: 1,
          error: true,
          errorCode: "failed",
          errorMessage: "points table is broken",
          sequence: null,
          foreignId: null,
        },
      ],
      failures: [
        {
          group: "screening",
          attempt: 1,
          ...where,
          failedAt: expect.any(String),
          code: "failed",
          message: "points table is broken",
          stack: "Error: points table is broken",
        },
      ],
    },
  ]);
});

test("an answer that moved nothing is late", async () => {
  const { sql } = database;
  const sagaId = await insertSaga(sql);
  const counted = await insertMessage(sql, { sagaId, type: "step.succeeded", step: "apply" });
  const late = await insertMessage(sql, { sagaId, type: "step.succeeded", step: "apply" });
  const unread = await insertMessage(sql, { sagaId, type: "step.succeeded", step: "apply" });
  await insertConsumption(sql, { group: "dispatcher", messageId: counted, sagaId, sequence: 2 });
  await insertConsumption(sql, { group: "dispatcher", messageId: late, sagaId });
  const { items } = await timeline(sagaId);
  expect(new Map(items.map((item) => [item.messageId, item.late]))).toEqual(
    new Map([
      [counted, false],
      [late, true],
      [unread, false],
    ]),
  );
});

test("pages follow each other in the order of writing, to the microsecond, in both directions", async () => {
  const { sagaId, ids } = await sevenMessages();
  const first = await timeline(sagaId, "?limit=2");
  const second = await timeline(sagaId, `?limit=3&cursor=${first.nextCursor}`);
  const third = await timeline(sagaId, `?limit=3&cursor=${second.nextCursor}`);
  expect([first.ids, second.ids, third.ids]).toEqual([ids.slice(0, 2), ids.slice(2, 5), ids.slice(5)]);
  expect([first.previousCursor, third.nextCursor]).toEqual([null, null]);
  const back = await timeline(sagaId, `?limit=3&cursor=${third.previousCursor}`);
  const start = await timeline(sagaId, `?limit=3&cursor=${back.previousCursor}`);
  expect([back.ids, start.ids, start.previousCursor]).toEqual([ids.slice(2, 5), ids.slice(0, 2), null]);
});

test("an effect stands behind its cause, whatever the clock said when each was written, and no page loses one", async () => {
  const sagaId = await insertSaga(database.sql);
  const at = (name: string, requestedAt: string, cause?: string) =>
    insertMessage(database.sql, {
      sagaId,
      type: "step.requested",
      id: `01M8E87C47CJ4R4WBDGQ7N6Q${name}`,
      requestedAt: `2026-11-01T10:00:00.${requestedAt}Z`,
      ...(cause === undefined ? {} : { cause }),
    });
  // One step of a coarse clock holds both, and the effect has the lower id.
  const start = await at("9S", "001");
  const first = await at("1A", "001", start);
  // The clock was set back by 3 ms.
  const answer = await at("2B", "020", first);
  const next = await at("3C", "017", answer);
  const after = await at("4D", "016", next);
  const other = await at("5E", "018", start);
  const ids = [start, first, other, answer, next, after];

  const whole = await timeline(sagaId);
  expect(whole.ids).toEqual(ids);
  const times = new Map(whole.items.map((item) => [item.messageId, item.requestedAt]));
  expect([times.get(answer), times.get(next)]).toEqual(["2026-11-01T10:00:00.020Z", "2026-11-01T10:00:00.017Z"]);
  expect((await timeline(sagaId, "?newest=true&limit=4")).ids).toEqual([other, answer, next, after]);

  const found: string[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page: Awaited<ReturnType<typeof timeline>> = await timeline(
      sagaId,
      `?limit=2${cursor === "" ? "" : `&cursor=${cursor}`}`,
    );
    found.push(...page.ids);
    cursor = page.nextCursor;
  }
  expect(found.toSorted()).toEqual(ids.toSorted());
});

test("two messages that say they caused each other are both shown", async () => {
  const sagaId = await insertSaga(database.sql);
  const [a, b] = ["01M8E87C47CJ4R4WBDGQ7N6R1A", "01M8E87C47CJ4R4WBDGQ7N6R2B"];
  await insertMessage(database.sql, { sagaId, type: "step.failed", id: a, cause: b });
  await insertMessage(database.sql, { sagaId, type: "step.failed", id: b, cause: a });
  expect((await timeline(sagaId)).ids.toSorted()).toEqual([a, b]);
});

test("around shows a message in the middle of its page", async () => {
  const { sagaId, ids } = await sevenMessages();
  const page = await timeline(sagaId, `?around=${ids[3]}&limit=3`);
  expect(page.ids).toEqual(ids.slice(2, 5));
  expect((await timeline(sagaId, `?limit=9&cursor=${page.nextCursor}`)).ids).toEqual(ids.slice(5));
  expect((await timeline(sagaId, `?limit=9&cursor=${page.previousCursor}`)).ids).toEqual(ids.slice(0, 2));
  expect(await timeline(sagaId, `?around=${ids[0]}&limit=3`)).toMatchObject({
    ids: ids.slice(0, 3),
    previousCursor: null,
  });
  expect(await timeline(sagaId, `?around=${ids[6]}&limit=3`)).toMatchObject({ ids: ids.slice(5), nextCursor: null });
});

test("the newest page has the end, and leads back to the beginning", async () => {
  const { sagaId, ids } = await sevenMessages();
  const page = await timeline(sagaId, "?newest=true&limit=3");
  expect([page.ids, page.nextCursor]).toEqual([ids.slice(4), null]);
  const earlier = await timeline(sagaId, `?limit=9&cursor=${page.previousCursor}`);
  expect([earlier.ids, earlier.previousCursor]).toEqual([ids.slice(0, 4), null]);
  expect(await timeline(sagaId, "?newest=true&limit=7")).toMatchObject({ ids, previousCursor: null, nextCursor: null });
});

test("a step shows the newest message about it, or about what is inside of it, and one without any the newest page", async () => {
  const { sagaId, ids } = await sevenMessages();
  const at = (step: string, requestedAt: string) =>
    insertMessage(database.sql, { sagaId, type: "step.requested", step, requestedAt });
  const screen = await at("screen", "2026-11-01T10:00:00.001500Z");
  const undone = await at("apply/compensate/mail", "2026-11-01T10:00:00.002500Z");
  const item = await at("ship[3]/pack", "2026-11-01T10:00:00.000500Z");
  const all = [...ids.slice(0, 3), item, ids[3], screen, ids[4], undone, ...ids.slice(5)];
  const around = async (step: string) =>
    (await timeline(sagaId, `?step=${encodeURIComponent(step)}&limit=3`)).ids.map((id) => all.indexOf(id));
  expect([await around("screen"), await around("apply"), await around("ship")]).toEqual([
    [4, 5, 6],
    [6, 7, 8],
    [2, 3, 4],
  ]);
  // No step's name is the front of another's.
  expect([await around("scree"), await around("none")]).toEqual([
    [7, 8, 9],
    [7, 8, 9],
  ]);
});

test("without bodies all else is there, and what only a body tells to be sensitive is hidden all the same", async () => {
  const { sql } = database;
  const hiding = createApi({
    engine: readingEngine({ sensitive: () => Promise.resolve(["steps.apply.email"]) }),
    sql,
    log: keptLog(),
  });
  const sagaId = await insertSaga(sql);
  const body = { output: { email: "sato@example.jp" } };
  const id = await insertMessage(sql, { sagaId, type: "step.succeeded", step: "apply", body });
  await insertConsumption(sql, { group: "dispatcher", messageId: id, sagaId, error: "no sato@example.jp" });
  for (const api of [app, hiding]) {
    const read = async (query: string) => {
      const response = await api.request(`/v1/sagas/${sagaId}/timeline${query}`);
      return v.parse(Timeline, await response.json()).items;
    };
    const [whole] = await read("");
    const { body: shown, ...rest } = whole ?? {};
    expect(shown).toEqual(api === app ? body : { output: { email: "***" } });
    expect(await read("?bodies=false")).toEqual([rest as never]);
    expect(whole?.consumptions[0]?.errorMessage).toBe(api === app ? "no sato@example.jp" : "no ***");
  }
});

test("around a message of another saga is 404, as is the timeline of no saga", async () => {
  const { ids } = await sevenMessages();
  const other = await insertSaga(database.sql);
  expect((await app.request(`/v1/sagas/${other}/timeline?around=${ids[0]}`)).status).toBe(404);
  expect((await app.request(`/v1/sagas/01KAS0CW5V8XJQ6Z3T4M7N9PRD/timeline`)).status).toBe(404);
});
