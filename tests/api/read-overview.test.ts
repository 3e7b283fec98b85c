import { afterAll, beforeAll, expect, test } from "bun:test";
import { ulid } from "ulid";
import * as v from "valibot";

import type { Api } from "../../engine/api/api-env.ts";
import { Graph } from "../../engine/api/graph-schema.ts";
import { Me } from "../../engine/api/me-schema.ts";
import { Overview } from "../../engine/api/overview-schema.ts";
import { ParkedGroupList, ParkedSagaList, RetryingGroupList } from "../../engine/api/parked-schema.ts";
import { SagaList } from "../../engine/api/saga-schema.ts";
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

test("parked sagas are grouped by definition, step, consumer group, code and what their messages have in common", async () => {
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
  expect(items.map((each) => [each.step, each.consumerGroup, each.sagas, each.error?.code, each.pattern])).toEqual([
    ["ship[]/pack", "parcel", 2, "over_limit", "item … of … is too heavy"],
    ["ship[]/pack", null, 1, "over_limit", null],
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

test("a saga that moved on after its end has ended once, in the minute of its end", async () => {
  const { sql } = database;
  const [minutesAgo20, minutesAgo10] = [20, 10].map((count) => new Date(Date.now() - count * 60_000));
  const id = await insertSaga(sql, { status: "completed", definition: "child" });
  await sql`update timeline.saga set finished_at = ${minutesAgo20 as Date} where id = ${id}`;
  const moved = (at: Date, event: Date, sequence: number) => sql`
    insert into timeline.event_consumption (consumer_group, message_id, correlation_id, topic, consumer, sequence, status, read) values
    ('dispatcher', ${ulid(event.getTime())}, ${id}, 'timeline', 'here:1', ${sequence}, 'completed',
      ${sql.json({ now: at.toISOString(), guards: {} })})
  `;
  await moved(minutesAgo20 as Date, minutesAgo20 as Date, 1);
  // What came with its end in one batch has the same time.
  await moved(minutesAgo20 as Date, minutesAgo20 as Date, 2);
  await moved(minutesAgo10 as Date, minutesAgo10 as Date, 3);

  // Another app: this one has counted those minutes for good.
  app = createApi({ engine: readingEngine(), sql, log: keptLog() });
  const { definitions, minutes } = await read("/v1/overview", Overview);
  expect(definitions.find(({ definition }) => definition === "child")?.completed).toBe(1);
  const ends = minutes.filter(({ completed }) => completed > 0);
  const minute = Math.floor((minutesAgo20 as Date).getTime() / 60_000) * 60_000;
  expect(ends.map(({ at, completed }) => [at, completed])).toEqual([[new Date(minute).toISOString(), 1]]);
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

test("sagas parked alike in two consumer groups are two groups", async () => {
  const { sql } = database;
  const ids: string[] = [];
  for (const [at, group] of ["stamp", "print", "print"].entries()) {
    const error = { code: "down", message: `no answer from ${at}`, step: "mark" };
    const id = await insertSaga(sql, { status: "parked", definition: "moved", error });
    // The author has moved the step to another domain.
    await sql`update timeline.saga set revision = ${group.repeat(12)} where id = ${id}`;
    const topic = `${group}.mark`;
    const messageId = await insertMessage(sql, { sagaId: id, type: "step.requested", topic, step: "mark" });
    await insertConsumption(sql, { group, messageId, topic, error: "down" });
    ids.push(id);
  }

  const { items } = await read("/v1/parked", ParkedGroupList);
  const groups = items.filter(({ definition }) => definition === "moved");
  expect(groups.map(({ consumerGroup, sagas }) => [consumerGroup, sagas])).toEqual([
    ["print", 2],
    ["stamp", 1],
  ]);
  const pages = await Promise.all(groups.map(({ groupId }) => read(`/v1/parked/${groupId}`, ParkedSagaList)));
  expect(pages.map((page) => page.items.map(({ sagaId }) => sagaId))).toEqual([[ids[2], ids[1]], [ids[0]]] as never);
  await sql`delete from timeline.saga_open where definition = 'moved'`;
});

test("sagas that are tried again are grouped as parked ones are, and listed by their group", async () => {
  const { sql } = database;
  const failing = async (message: string, ...steps: string[]) => {
    const id = await insertSaga(sql, { definition: "onboarding", status: "running" });
    for (const path of steps) {
      await sql`insert into timeline.timer (saga_id, name, due_at) values (${id}, ${`retry:${path}`}, now())`;
      await sql`
        insert into timeline.saga_step (saga_id, path, status, attempts, error, started_at)
        values (${id}, ${path}, 'retrying', 2, ${sql.json({ code: "down", message })}, '2026-01-02T03:04:05Z')
      `;
      await insertMessage(sql, { sagaId: id, type: "step.requested", topic: "parcel.pack", step: path });
    }
    return id;
  };
  const one = await failing("no answer after 17 ms", "ship[0]/pack");
  const two = await failing("no answer after 4 ms", "ship[0]/pack", "ship[1]/pack");
  const other = await failing("no room", "ship[0]/pack");
  // A compensation's row says nothing of how its attempts end.
  const undoing = await insertSaga(sql, { definition: "onboarding", status: "compensating" });
  await sql`insert into timeline.timer (saga_id, name, due_at) values (${undoing}, 'retry:ship[2]/pack', now())`;
  await sql`insert into timeline.saga_step (saga_id, path, status, attempts) values (${undoing}, 'ship[2]/pack', 'compensating', 1)`;
  const answer = {
    type: "compensation.failed",
    step: "ship[2]/pack",
    body: { code: "stuck", message: "cannot unpack" },
  };
  await insertMessage(sql, { sagaId: undoing, ...answer });
  // Deadlines are timers as well.
  await sql`insert into timeline.timer (saga_id, name, due_at) values (${await insertSaga(sql)}, 'deadline:ship', now())`;

  const { items } = await read("/v1/retrying", RetryingGroupList);
  const told = items.map((each) => [each.step, each.consumerGroup, each.sagas, each.error, each.pattern]);
  const error = (code: string, message: string) => ({ code, message, step: "ship[]/pack" });
  expect(told[0]).toEqual(["ship[]/pack", "parcel", 2, error("down", "no answer after 4 ms"), "no answer after … ms"]);
  expect(told.slice(1).sort()).toEqual(
    [
      ["ship[]/pack", "parcel", 1, error("down", "no room"), null],
      ["ship[]/pack", null, 1, error("stuck", "cannot unpack"), null],
    ].sort() as never,
  );
  expect(items[0]?.firstAt).toBe("2026-01-02T03:04:05.000Z");
  const listed = async (at: number) =>
    (await read(`/v1/sagas?retryingGroup=${items[at]?.groupId}`, SagaList)).items.map(({ sagaId }) => sagaId);
  expect(await listed(0)).toEqual([two, one]);
  expect([await listed(1), await listed(2)].flat().sort()).toEqual([other, undoing].sort());
  expect((await read("/v1/sagas?retryingGroup=none", SagaList)).items).toEqual([]);
  await sql`delete from timeline.saga_open where saga_id = any (${[one, two, other, undoing]})`;
  expect((await read("/v1/retrying", RetryingGroupList)).items).toEqual([]);
});

async function read<T>(path: string, schema: v.GenericSchema<unknown, T>): Promise<T> {
  const response = await app.request(path);
  expect([path, response.status]).toEqual([path, 200]);
  return v.parse(schema, await response.json());
}
