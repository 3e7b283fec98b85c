import { afterAll, beforeAll, expect, test } from "bun:test";

import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";

let lab: TestEngine;
const client = new Client(() => lab.url);

beforeAll(async () => {
  lab = await testEngine("embedded");
}, 60_000);
afterAll(async () => lab?.close(), 60_000);

const retire = () => client.ok("POST", "/v1/definitions/one_step/retire", { reason: "race" });
const restore = () => client.ok("POST", "/v1/definitions/one_step/restore", { reason: "race" });
const start = async (note: string, headers = {}) =>
  (await client.call("POST", "/v1/sagas/one_step", { note }, headers)).status;
const born = async () => {
  const [row] = await lab.sql<
    { n: number }[]
  >`select count(*)::integer as n from timeline.saga where definition = 'one_step'`;
  return row?.n ?? 0;
};
/** As `start`, asked once more while it is told to come again: a lock is waited for for some seconds. */
const startAtLast = async (note: string, headers = {}) => {
  for (;;) {
    const status = await start(note, headers);
    if (status !== 503) return status;
  }
};
/** Whether a statement with these words waits for a lock now. */
const waits = async (words: string) => {
  const rows = await lab.sql`
    select pid from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock' and query like ${`%${words}%`}
  `;
  return rows.length > 0;
};

test("retiring waits for a start that has looked already; one that comes meanwhile is refused", async () => {
  const [claimed, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const key = "held by another transaction";
  const other = lab.sql.begin(async (tx) => {
    await tx`
      insert into timeline.start_key (idempotency_key, scope, body_hash, saga_id, expires_at)
      values (${key}, 'start', '', '', clock_timestamp() + interval '1 hour')
    `;
    claimed.resolve();
    await held.promise;
    throw new Error("given back");
  });
  await claimed.promise;
  const ends: string[] = [];
  const end = (what: string) => (result: unknown) =>
    void ends.push(`${what} ${typeof result === "number" ? result : ""}`.trim());
  const first = startAtLast("first", { "idempotency-key": key }).then(end("start"));
  await eventually("the start waits for its key", () => waits("into timeline.start_key"));
  const retired = retire().then(end("retired"));
  await eventually("the retirement waits for the start", () => waits("pg_advisory_xact_lock(hashtextextended"));
  const second = startAtLast("second").then(end("start"));
  await eventually("the next start waits behind it", () => waits("timeline.definitions_to_start"));
  expect(ends).toEqual([]);
  held.resolve();
  await Promise.all([other.catch(() => {}), first, retired, second]);

  expect(ends.toSorted()).toEqual(["retired", "start 201", "start 409"]);
  expect(await born()).toBe(1);
  await restore();
}, 60_000);

test("under load none is born once the retirement has been answered, and none is refused after it was restored", async () => {
  for (let round = 0; round < 3; round++) {
    const statuses: number[] = [];
    let isOver = false;
    const load = Array.from({ length: 20 }, async (_, caller) => {
      for (let n = 0; !isOver; n++) statuses.push(await start(`round ${round} caller ${caller} start ${n}`));
    });
    await eventually("some are started", async () => statuses.length > 40);
    await retire();
    const then = await born();
    await eventually("some are refused", async () => statuses.filter((status) => status === 409).length > 40);
    isOver = true;
    await Promise.all(load);
    expect(await born()).toBe(then);
    expect(new Set(statuses)).toEqual(new Set([201, 409]));
    await restore();
    expect(await start(`round ${round} restored`)).toBe(201);
  }
}, 60_000);
