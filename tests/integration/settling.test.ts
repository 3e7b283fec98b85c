import { afterAll, beforeAll, expect, test } from "bun:test";

import { SagaChanges } from "../../engine/dispatcher/saga-changes.ts";
import { restBeforeLookMs, Settling } from "../../engine/settled.ts";
import type { Sql } from "../../engine/timeline/database.ts";
import { newId } from "../../engine/timeline/ids.ts";
import { type TimelineDatabase, timelineDatabase } from "../support/kafka.ts";

const WAIT_MS = 1_000;

let database: TimelineDatabase;

beforeAll(async () => {
  database = await timelineDatabase();
}, 60_000);

afterAll(async () => database?.drop(), 30_000);

async function runningSaga(): Promise<string> {
  const id = newId();
  await database.sql`
    insert into timeline.saga (id, definition, version, revision, status, sequence, input)
    values (${id}, 'd', 1, 'r', 'running', 1, '{}')
  `;
  return id;
}

/** A waiting room, and how often it has looked at the database. */
function settling(isTold: boolean) {
  let looks = 0;
  const sql = new Proxy(database.sql, {
    apply(target, self, args) {
      looks += 1;
      return Reflect.apply(target as never, self, args) as unknown;
    },
  });
  const changes = new SagaChanges();
  return { changes, room: new Settling(sql as unknown as Sql, changes, isTold), looks: () => looks };
}

test("who is told of no end looks soon and then ever less often, who is told looks four times a second", async () => {
  const id = await runningSaga();
  const [told, untold] = [settling(true), settling(false)];
  const never = new AbortController().signal;
  await Promise.all([told.room.settled(id, WAIT_MS, never), untold.room.settled(id, WAIT_MS, never)]);

  expect(told.looks()).toBeLessThanOrEqual(6);
  expect(untold.looks()).toBeGreaterThan(told.looks());
  expect([0, 40, 100, 400, 5_000].map(restBeforeLookMs)).toEqual([20, 20, 25, 100, 250]);
});

test("an end that another process wrote is found, also by who is told of others", async () => {
  for (const isTold of [true, false]) {
    const id = await runningSaga();
    const { room } = settling(isTold);
    const settled = room.settled(id, 60_000, new AbortController().signal);
    await database.sql`update timeline.saga set status = 'completed' where id = ${id}`;
    expect(await settled).toBeUndefined();
  }
});

test("an end that this process wrote is told without a further look", async () => {
  const id = await runningSaga();
  const { room, changes, looks } = settling(true);
  const settled = room.settled(id, 60_000, new AbortController().signal);
  const before = looks();
  changes.settled([id]);
  await settled;

  expect(looks()).toBe(before);
});
