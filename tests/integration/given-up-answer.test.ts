import { afterAll, beforeAll, expect, test } from "bun:test";
import type { ISql } from "postgres";
import { waitUntil } from "../../engine/stack/wait-until.ts";
import { timelineDatabase, type TimelineDatabase, writeRequest } from "../support/kafka.ts";

let database: TimelineDatabase;

beforeAll(async () => {
  database = await timelineDatabase();
  await database.sql`insert into timeline.topic (name) values ('timeline'), ('lab.work')`;
  await database.sql`create table public.work (step_key text not null)`;
}, 60_000);
afterAll(async () => database?.drop(), 60_000);

const saga = "01M84000000000000000000000";

const request = (stepKey: string, type: string) =>
  writeRequest(database.sql, {
    key: saga,
    topic: "lab.work",
    type,
    body: { input: {} },
    columns: { step_key: stepKey, action: "work", attempt: 1 },
  });

async function claim(sql: ISql, id: string): Promise<string | undefined> {
  const message = { topic: "lab.work", partition: 0, offset: 0, timestamp: Date.now(), key: saga, headers: { id } };
  const [row] = await sql<
    { verdict: string }[]
  >`select verdict from timeline.claim('lab', ${sql.json(message)}, false)`;
  return row?.verdict;
}

/** What gives a step up, on a connection of its own, and what its guard says then. */
const givers = {
  closed: (sql: ISql, stepKey: string) => sql`select timeline.settle_step(${stepKey}, ${saga})`,
  blocked: async (sql: ISql, stepKey: string) => claim(sql, await request(stepKey, "compensation.requested")),
};

test.each(Object.entries(givers))(
  "what was done while the step became %s is refused, and nothing of it stays",
  async (state, giveUp) => {
    const { sql } = database;
    const stepKey = `${saga}/${state}`;
    const id = await request(stepKey, "step.requested");
    // In a transaction of its own, as no step should be claimed that is not external: nothing holds the step now.
    expect(await claim(sql, id)).toBe("run");
    const open = Promise.withResolvers<void>();
    const givenUp = Promise.withResolvers<void>();
    const other = sql.begin(async (tx) => {
      await giveUp(tx, stepKey);
      givenUp.resolve();
      await open.promise;
    });
    await givenUp.promise;

    const answered = sql
      .begin(async (tx) => {
        await tx`insert into public.work (step_key) values (${stepKey})`;
        await tx`select timeline.answer('lab', ${id}, 'succeeded', '{"output": {}}')`;
      })
      .then(
        () => "taken",
        (error: { code?: string }) => error.code,
      );
    const waits = await waitUntil(
      async () => {
        const waiting = await sql`
          select from pg_stat_activity where datname = current_database() and wait_event = 'advisory'
        `;
        return waiting.length === 1 ? true : undefined;
      },
      { timeoutMs: 10_000 },
    );
    expect(waits).toBe(true);
    open.resolve();
    await other;

    expect(await answered).toBe("55000");
    expect([...(await sql`select step_key from public.work where step_key = ${stepKey}`)]).toEqual([]);
    const events = await sql`
      select message_type as type from timeline.event_request where step_key = ${stepKey} and message_type like 'step.%'
    `;
    expect([...events]).toEqual([{ type: "step.requested" }]);
    // What it is told to do then: claimed again, the step is refused.
    expect(await claim(sql, id)).toBe("refused");
    const [guard] = await sql`select state from timeline.step_guard where step_key = ${stepKey}`;
    expect(guard?.["state"]).toBe(state);
  },
);

test("what ended otherwise while the step was given up may still be said", async () => {
  const { sql } = database;
  for (const outcome of ["rejected", "failed"]) {
    const stepKey = `${saga}/${outcome}`;
    const id = await request(stepKey, "step.requested");
    expect(await claim(sql, id)).toBe("run");
    await givers.closed(sql, stepKey);
    await sql`select timeline.answer('lab', ${id}, ${outcome}, '{"code": "x"}')`;

    const [guard] = await sql`select state from timeline.step_guard where step_key = ${stepKey}`;
    expect(guard?.["state"]).toBe("closed");
  }
});
