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
  const draining = new AbortController();
  const room = new Settling(sql as unknown as Sql, changes, { isTold: () => isTold, draining: draining.signal });
  return { changes, draining, room, looks: () => looks };
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

test("of a saga that was just started no look is taken, unless it is told or takes long", async () => {
  const id = await runningSaga();
  const { room, changes, looks } = settling(true);
  const told = room.settled(id, 60_000, new AbortController().signal, true);
  await database.sql`select pg_sleep(0.05)`;
  const before = looks();
  changes.settled([id]);
  await told;
  // By another process, which tells nobody here.
  const other = await runningSaga();
  const found = room.settled(other, 60_000, new AbortController().signal, true);
  await database.sql`update timeline.saga set status = 'completed' where id = ${other}`;
  await found;

  expect([before, looks()]).toEqual([0, 1]);
});

test("an end before its caller began to wait is known, of the last thousand", async () => {
  const id = await runningSaga();
  const { room, changes, looks } = settling(true);
  changes.settled([id]);
  await database.sql`update timeline.saga set status = 'completed' where id = ${id}`;
  await room.settled(id, 60_000, new AbortController().signal, true);
  expect(looks()).toBe(1);

  changes.settled(Array.from({ length: 1_000 }, newId));
  expect(changes.hasSettled(id)).toBe(false);
});

test("nobody waits at an engine that stops", async () => {
  const id = await runningSaga();
  const { room, draining } = settling(true);
  const waiting = room.settled(id, 60_000, new AbortController().signal);
  draining.abort();

  expect(await waiting).toBeUndefined();
});
