import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { rejected } from "ekiden";
import { Client } from "../support/client.ts";
import { type TestEngine, testEngine } from "../support/engine.ts";
import { behave, calls, calm } from "../support/lab/lab/behaviour.ts";

let lab: TestEngine;
const client = new Client(() => lab.url);

beforeAll(async () => {
  lab = await testEngine("embedded");
}, 120_000);
afterEach(calm);
afterAll(async () => lab?.close(), 60_000);

/** Starts sagas whose first commands then come to the domain in one batch. */
async function startTogether(notes: readonly string[], before: (sagaId: string, at: number) => void) {
  await client.ok("POST", "/v1/consumer-groups/lab/pause", { reason: "gather a batch" });
  const sagas = await Promise.all(notes.map((note) => client.start("three", { note })));
  for (const [at, { sagaId }] of sagas.entries()) before(sagaId, at);
  calls.length = 0;
  await client.ok("POST", "/v1/consumer-groups/lab/resume", { reason: "all at once" });
  return Promise.all(sagas.map(({ sagaId }) => client.settled(sagaId)));
}

const effects = (sagaIds: readonly string[]) => lab.sql<{ saga_id: string }[]>`
  select saga_id from lab.effect where saga_id = any (${[...sagaIds]}) and action = 'one'
`;

test("a rule that says no before any statement is answered in its batch: nobody's handler runs twice", async () => {
  const notes = Array.from({ length: 20 }, (_, at) => `untouched ${at}`);
  const ends = await startTogether(notes, (sagaId, at) => {
    if (at % 4 === 0) behave("one", sagaId, () => rejected("not_today", "it is a rule"));
  });
  expect(ends.map(({ status }) => status)).toEqual(notes.map((_, at) => (at % 4 === 0 ? "failed" : "completed")));
  expect(ends[0]?.error).toMatchObject({ code: "not_today", message: "it is a rule" });
  expect(calls.filter(({ action }) => action === "one")).toHaveLength(20);
  expect(await effects(ends.map(({ sagaId }) => sagaId))).toHaveLength(15);
  const [row] = await lab.sql<{ n: number }[]>`
    select count(*)::int as n from timeline.event_consumption
    where consumer_group = 'lab' and correlation_id = ${ends[0]?.sagaId as string} and consumed_at is not null
  `;
  expect(row?.n).toBe(1);
});

test("what a handler wrote before it rejected is gone, and its neighbours' work is there once", async () => {
  const notes = Array.from({ length: 8 }, (_, at) => `touched ${at}`);
  const ends = await startTogether(notes, (sagaId, at) => {
    if (at !== 3) return;
    behave("one", sagaId, async (context, tx) => {
      await tx?.unsafe("insert into lab.effect (step_key, saga_id, action) values ($1, $2, 'one')", [
        context.stepKey,
        context.sagaId,
      ]);
      return rejected("too_late", "after a write");
    });
  });
  expect(ends.map(({ status }) => status)).toEqual(notes.map((_, at) => (at === 3 ? "failed" : "completed")));
  const done = await effects(ends.map(({ sagaId }) => sagaId));
  expect(new Set(done.map(({ saga_id }) => saga_id)).size).toBe(7);
  expect(done).toHaveLength(7);
});
