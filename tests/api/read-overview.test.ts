import { afterAll, beforeAll, expect, test } from "bun:test";
import * as v from "valibot";

import type { Api } from "../../engine/api/api-env.ts";
import { Graph } from "../../engine/api/graph-schema.ts";
import { Me } from "../../engine/api/me-schema.ts";
import { Overview } from "../../engine/api/overview-schema.ts";
import { ParkedGroupList, ParkedSagaList } from "../../engine/api/parked-schema.ts";
import { createApi } from "../../engine/api/server.ts";
import { type ApiDatabase, apiDatabase } from "./api-database.ts";
import { keptLog, readingEngine } from "./reading-engine.ts";
import { insertConsumption, insertMessage, insertSaga } from "./saga-rows.ts";

const HASH = "d".repeat(64);
const SOURCE = `saga: onboarding
version: 1
input: { items: list<string>(..10) }
steps:
  - step: ship
    each:
      in: input.items
      as: item
      steps:
        - step: pack
          command: parcel.pack
          with: { item: "\${ item }" }
          compensate: parcel.unpack
          retry: { attempts: 7 }
`;

let database: ApiDatabase;
let app: Api;

beforeAll(async () => {
  database = await apiDatabase();
  app = createApi({ engine: readingEngine(), sql: database.sql, log: keptLog() });
}, 60_000);
afterAll(() => database?.end());

test("who calls is told; without keys everybody may do everything", async () => {
  expect(await read("/v1/me", Me)).toEqual({ actor: "local", role: "admin", definitions: null, payloads: true });
});

test("parked sagas are grouped by definition, step, code and what their messages have in common", async () => {
  const { sql } = database;
  const parked = (step: string, message: string, key: string) =>
    insertSaga(sql, { status: "parked", key, error: { code: "over_limit", message, step } });
  const first = await parked("ship[3]/pack", 'item 17 of "Sato" is too heavy', "A-1");
  const second = await parked("ship[11]/pack", 'item 4 of "Ito" is too heavy', "A-2");
  await parked("ship[3]/pack", "no room", "A-3");
  await insertSaga(sql, { status: "running", key: "A-4" });
  const topic = "parcel.pack";
  await insertMessage(sql, { sagaId: second, type: "step.requested", topic, step: "ship[11]/pack" });
  const newest = await insertMessage(sql, { sagaId: second, type: "step.requested", topic, step: "ship[11]/pack" });
  await insertConsumption(sql, { group: "parcel", messageId: newest, topic, error: "over_limit" });

  const { items } = await read("/v1/parked", ParkedGroupList);
  expect(items.map(({ step, sagas, error, pattern }) => [step, sagas, error?.code, pattern])).toEqual([
    ["ship[]/pack", 2, "over_limit", "item … of … is too heavy"],
    ["ship[]/pack", 1, "over_limit", null],
  ]);
  const group = items[0]?.groupId ?? "";
  const page = await read(`/v1/parked/${group}?limit=1`, ParkedSagaList);
  expect(page.items).toMatchObject([
    { sagaId: second, key: "A-2", messageId: newest, inError: true, consumerGroup: "parcel" },
  ]);
  const rest = await read(`/v1/parked/${group}?cursor=${page.nextCursor}`, ParkedSagaList);
  expect(rest).toMatchObject({ items: [{ sagaId: first, inError: false, consumerGroup: null }], nextCursor: null });
  expect((await read("/v1/parked/none", ParkedSagaList)).items).toEqual([]);
});

test("the overview counts what is open, and what began within the hour", async () => {
  const { running, parked, oldest, minutes, definitions } = await read("/v1/overview", Overview);

  expect([running, parked, oldest === null]).toEqual([1, 3, false]);
  expect(definitions.map(({ definition, running: open }) => [definition, open])).toEqual([["onboarding", 1]]);
  expect(minutes.reduce((all, { started }) => all + started, 0)).toBe(4);
});

test("a revision is a picture whose boxes name the steps, those of each item without their numbers", async () => {
  await database.sql`
    insert into timeline.definition_revision (name, revision, version, source) values ('onboarding', ${HASH}, 1, ${SOURCE})
  `;
  const { boxes, lines, width } = await read(`/v1/definitions/onboarding/revisions/${HASH}/graph`, Graph);

  expect(boxes.map(({ kind, path, attempts }) => [kind, path, attempts])).toEqual([
    ["start", null, null],
    ["each", "ship", null],
    ["undo", "ship[]/pack", null],
    ["command", "ship[]/pack", 7],
    ["join", null, null],
    ["completed", null, null],
  ]);
  expect([lines.length > 0, width > 0]).toEqual([true, true]);
  // More others than are kept come between, and each is its own.
  for (let other = 0; other < 10; other += 1) {
    const hash = String(other).repeat(64);
    await database.sql`
      insert into timeline.definition_revision (name, revision, version, source)
      values ('onboarding', ${hash}, 1, ${SOURCE.replaceAll("ship", `ship${other}`)})
    `;
    const picture = await read(`/v1/definitions/onboarding/revisions/${hash}/graph`, Graph);
    expect(picture.boxes[1]?.path).toBe(`ship${other}`);
  }
  const again = await read(`/v1/definitions/onboarding/revisions/${HASH}/graph`, Graph);
  expect(again.boxes).toEqual(boxes);
  const unknown = await app.request(`/v1/definitions/onboarding/revisions/${"e".repeat(64)}/graph`);
  expect(unknown.status).toBe(404);
});

async function read<T>(path: string, schema: v.GenericSchema<unknown, T>): Promise<T> {
  const response = await app.request(path);
  expect([path, response.status]).toEqual([path, 200]);
  return v.parse(schema, await response.json());
}
