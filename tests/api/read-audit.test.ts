import { afterAll, beforeAll, expect, test } from "bun:test";
import * as v from "valibot";

import type { Api } from "../../engine/api/api-env.ts";
import { AuditList } from "../../engine/api/audit-schema.ts";
import { createApi } from "../../engine/api/server.ts";
import type { JsonObject } from "../../engine/core/json.ts";
import { newId } from "../../engine/timeline/ids.ts";
import { type ApiDatabase, apiDatabase } from "./api-database.ts";
import { keptLog, readingEngine } from "./reading-engine.ts";
import { insertMessage, insertSaga } from "./saga-rows.ts";

let database: ApiDatabase;
let app: Api;

beforeAll(async () => {
  database = await apiDatabase();
  const engine = readingEngine({ sensitive: async () => ["input.name"] });
  app = createApi({ engine, sql: database.sql, log: keptLog() });
}, 60_000);
afterAll(() => database?.end());

async function act(entry: {
  readonly at: string;
  readonly actor?: string;
  readonly action?: string;
  readonly target?: string;
  readonly reason?: string;
  readonly after?: JsonObject;
}): Promise<string> {
  const { sql } = database;
  const { at, actor = "local", action = "group.pause", target = "screening", reason = "why", after = {} } = entry;
  const id = newId();
  await sql`
    insert into timeline.audit (id, at, actor, action, target, reason, after)
    values (${id}, ${at}::text::timestamptz, ${actor}, ${action}, ${target}, ${reason}, ${sql.json(after)})
  `;
  return id;
}

async function audit(query = "") {
  const response = await app.request(`/v1/audit${query}`);
  expect(response.status).toBe(200);
  const page = v.parse(AuditList, await response.json());
  return { ...page, ids: page.items.map(({ id }) => id) };
}

test("the audit is read newest first by the database's clock, page by page, to the microsecond", async () => {
  // Written in an order that is not that of their times, two in the same millisecond.
  const third = await act({ at: "2026-11-01T10:00:01Z", target: "paged" });
  const first = await act({ at: "2026-11-01T10:00:00.000001Z", target: "paged" });
  const second = await act({ at: "2026-11-01T10:00:00.000002Z", target: "paged" });
  const page = await audit("?target=paged&limit=2");
  const next = await audit(`?target=paged&limit=2&cursor=${page.nextCursor}`);
  expect([page.ids, next.ids, next.nextCursor]).toEqual([[third, second], [first], null]);
  expect(page.items[0]).toEqual({
    id: third,
    at: "2026-11-01T10:00:01.000Z",
    actor: "local",
    action: "group.pause",
    target: "paged",
    reason: "why",
    before: null,
    after: {},
  });
});

test("the audit is filtered by actor, action, target and time, all of them", async () => {
  const found = await act({ at: "2026-11-02T10:00:00Z", actor: "ann", action: "group.rewind", target: "contract" });
  await act({ at: "2026-11-02T09:59:59Z", actor: "ann", action: "group.rewind", target: "contract" });
  await act({ at: "2026-11-02T10:00:00Z", actor: "bob", action: "group.rewind", target: "contract" });
  await act({ at: "2026-11-02T10:00:00Z", actor: "ann", action: "group.pause", target: "contract" });
  await act({ at: "2026-11-02T10:00:00Z", actor: "ann", action: "group.rewind", target: "ledger" });
  const query = "?actor=ann&action=group.rewind&target=contract&since=2026-11-02T10:00:00Z";
  expect((await audit(query)).ids).toEqual([found]);
});

test("what is sensitive in a saga is masked in its audit", async () => {
  const sagaId = await insertSaga(database.sql, { input: { name: "Rosalind" } });
  await act({ at: "2026-11-03T10:00:00Z", target: sagaId, reason: "Rosalind called", after: { by: "Rosalind" } });
  expect((await audit(`?target=${sagaId}`)).items[0]).toMatchObject({ reason: "*** called", after: { by: "***" } });
});

test("what is sensitive in the saga of an edited message is masked in its audit", async () => {
  const sagaId = await insertSaga(database.sql, { input: { name: "Rosalind" } });
  const target = newId();
  await act({
    at: "2026-11-03T11:00:00Z",
    target,
    action: "message.edit",
    reason: "Rosalind called",
    after: { sagaId },
  });
  expect((await audit(`?target=${target}`)).items[0]).toMatchObject({ reason: "*** called", after: { sagaId } });
});

test("what was done to a saga is found with what was done to its messages, and all of it is masked", async () => {
  const { sql } = database;
  const saga = await insertSaga(sql, { input: { name: "Rosalind" } });
  const [own, other] = [saga, await insertSaga(sql)];
  const [ownMessage, otherMessage] = [
    await insertMessage(sql, { sagaId: own, type: "step.requested" }),
    await insertMessage(sql, { sagaId: other, type: "step.requested" }),
  ];
  const reason = "Rosalind called";
  const at = "2026-11-04T10:00:00Z";
  const found = [
    await act({ at, target: own, action: "saga.retry", reason }),
    await act({ at, target: newId(), action: "message.edit", after: { sagaId: own }, reason }),
    await act({ at, target: ownMessage, action: "message.redrive", reason }),
  ];
  await act({ at, target: other, action: "saga.retry", reason });
  await act({ at, target: otherMessage, action: "message.redrive", reason });
  const { ids, items } = await audit(`?saga=${own.toLowerCase()}`);

  expect(ids.toSorted()).toEqual(found.toSorted());
  expect(items.map((item) => item.reason)).toEqual(["*** called", "*** called", "*** called"]);
});

test.each(["?since=yesterday", "?saga=x", "?cursor=x", "?who=ann", "?limit=0"])("%s is refused", async (query) => {
  expect((await app.request(`/v1/audit${query}`)).status).toBe(400);
});
