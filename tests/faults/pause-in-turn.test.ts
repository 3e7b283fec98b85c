import { afterAll, beforeAll, expect, test } from "bun:test";
import { dispatcherPaused } from "../../engine/dispatcher/timers.ts";
import { declareNeed } from "../../engine/recovery/identity.ts";
import type { Sql, Tx } from "../../engine/timeline/database.ts";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";

let lab: TestEngine;
const client = new Client(() => lab.url);

beforeAll(async () => {
  lab = await testEngine("embedded");
  // It owns its transport: taking that over writes the groups' rows.
  await client.start("three", { note: "first" }, "?wait=30s");
}, 120_000);

afterAll(async () => lab?.close(), 60_000);

/** A transaction that has looked whether the dispatcher is paused, and is open. */
async function looked() {
  const seen = Promise.withResolvers<boolean>();
  const end = Promise.withResolvers<void>();
  const done = lab.sql.begin(async (tx) => {
    seen.resolve(await dispatcherPaused(tx as unknown as Tx));
    await end.promise;
  });
  return { paused: seen.promise, end: () => end.resolve(), done };
}

const waiting = async () => {
  const rows = await lab.sql<{ query: string }[]>`
    select query from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
  `;
  return rows.some(({ query }) => /consumer_group|pause\/dispatcher/.test(query));
};

test.each([
  ["a pause", () => client.ok("POST", "/v1/consumer-groups/dispatcher/pause", { reason: "test" }) as Promise<unknown>],
  [
    "the hold of a restored database",
    async () => {
      const [row] = await lab.sql<{ generation: number }[]>`select generation from timeline.identity`;
      const need = { code: "database.restored", detail: "test" } as const;
      return declareNeed(lab.sql as unknown as Sql, row?.generation ?? 0, need);
    },
  ],
])(
  "%s waits for who has looked, and nobody who comes meanwhile passes it",
  async (_what, pause) => {
    await lab.sql`update timeline.consumer_group set paused = false, held = false`;
    const first = await looked();
    expect(await first.paused).toBe(false);
    const paused = pause();
    await eventually("it waits", waiting);
    const second = await looked();
    const answer = await Promise.race([second.paused, Bun.sleep(500).then(() => "waits")]);
    second.end();
    first.end();
    await Promise.all([first.done, paused, second.done]);
    const sees = await second.paused;
    expect([answer, sees]).toEqual(["waits", true]);
  },
  60_000,
);

test("a pause that waits for a process that has stopped in the middle of a start turns no other start away", async () => {
  await lab.sql`update timeline.consumer_group set paused = false, held = false`;
  const frozen = await looked();
  await frozen.paused;
  const paused = client.ok("POST", "/v1/consumer-groups/dispatcher/pause", { reason: "test" });
  await eventually("it waits", waiting);
  const answers: number[] = [];
  for (let n = 1; n <= 3; n += 1) {
    const { status } = await client.call("POST", "/v1/sagas/three", { note: `meanwhile ${n}` });
    answers.push(status);
  }
  frozen.end();
  await Promise.all([frozen.done, paused]);
  const [row] = await lab.sql`select paused from timeline.consumer_group where consumer_group = 'dispatcher'`;
  expect([answers, row]).toEqual([[201, 201, 201], { paused: true }]);
}, 60_000);
