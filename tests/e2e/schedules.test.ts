import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import type { Definition, Schedule } from "../../engine/core/definition.ts";
import { createEvaluator } from "../../engine/definition/expression.ts";
import { loadDefinition } from "../../engine/definition/load.ts";
import { Schedules } from "../../engine/dispatcher/schedules.ts";
import { createLog } from "../../engine/telemetry/log.ts";
import type { Sql } from "../../engine/timeline/database.ts";
import { Client } from "../support/client.ts";
import { LAB, type TestEngine, testEngine } from "../support/engine.ts";

/** The lab's saga that waits for a signal, on a schedule: every minute, with the input that each test wants. */
let engine: TestEngine;
const client = new Client(() => engine.url);
const lines: string[] = [];

beforeAll(async () => {
  engine = await testEngine("embedded");
}, 60_000);
beforeEach(async () => {
  lines.length = 0;
  await engine.sql`truncate timeline.schedule_run, timeline.start_key`;
  const open = await engine.sql<{ saga_id: string }[]>`select saga_id from timeline.saga_open`;
  for (const { saga_id: sagaId } of open) {
    await client.ok("POST", `/v1/sagas/${sagaId}/cancel`, { reason: "the next test" });
    await client.settled(sagaId);
  }
});
afterAll(async () => engine?.close(), 60_000);

async function scheduled(overlap: Schedule["overlap"], note: unknown = "${ schedule.at }"): Promise<Definition> {
  const source = await Bun.file(`${LAB}/waiting.saga.yaml`).text();
  const schedule = JSON.stringify({ cron: "* * * * *", overlap, input: { note, patience: "long" } });
  const { definition } = loadDefinition(`${source}\nschedule: ${schedule}\n`, { catalog: null, checks: false });
  if (definition === null) throw new Error("the scheduled definition does not load");
  return definition;
}

function schedulesOf(definition: Definition): Schedules {
  return new Schedules({
    sql: engine.sql as unknown as Sql,
    definitions: () => new Map([[definition.name, definition]]),
    start: async ({ definition: name, input, idempotencyKey }) => {
      const headers = { "idempotency-key": idempotencyKey ?? "" };
      const { status, json } = await client.call("POST", `/v1/sagas/${name}`, input, headers);
      if (status >= 300) throw new Error(`answered ${status}: ${(json as { detail: string }).detail}`);
      return { sagaId: (json as { sagaId: string }).sagaId, created: status === 201 };
    },
    evaluator: createEvaluator(),
    log: createLog("json", (line) => lines.push(line)),
  });
}

/** The clock is the database's: instead of waiting, what was looked at last moves into the past. */
const minutesAgo = (minutes: number) => engine.sql`
  update timeline.definition set scheduled_since = clock_timestamp() - make_interval(mins => ${minutes}) where name = 'waiting'
`;
const runs = async () =>
  (
    await engine.sql<{ status: string; reason: string | null }[]>`
      select status, reason from timeline.schedule_run where definition = 'waiting' order by planned_at
    `
  ).map(({ status, reason }) => (reason === null ? status : `${status}: ${reason}`));
/** One more planned time has come. */
const anotherMinute = () => engine.sql`
  update timeline.schedule_run set planned_at = planned_at - interval '1 minute'
`;

test("skip: while the saga of an earlier time is open, a time is left out and says so", async () => {
  const schedules = schedulesOf(await scheduled("skip"));
  await minutesAgo(1);
  await schedules.look();
  await anotherMinute();
  await schedules.look();

  expect(await runs()).toEqual(["started", "skipped: the saga of an earlier time is still open"]);
}, 30_000);

test("times that were planned while the database's clock was years ahead do not keep those from coming that are due now", async () => {
  const schedules = schedulesOf(await scheduled("allow"));
  await minutesAgo(1);
  await engine.sql`
    insert into timeline.schedule_run (definition, planned_at, status, reason, decided_at)
    values ('waiting', date_trunc('minute', clock_timestamp()) + interval '10 years', 'refused', 'ahead', clock_timestamp())
  `;
  await schedules.look();

  expect(await runs()).toEqual(["started", "refused: ahead"]);
}, 30_000);

test("queue: it waits, and is started when the other has ended", async () => {
  const schedules = schedulesOf(await scheduled("queue"));
  await minutesAgo(1);
  await schedules.look();
  await anotherMinute();
  await schedules.look();
  expect(await runs()).toEqual(["started", "waiting"]);

  const [first] = await engine.sql<
    { saga_id: string }[]
  >`select saga_id from timeline.schedule_run where status = 'started'`;
  await client.ok("POST", `/v1/sagas/${first?.saga_id}/cancel`, { reason: "enough" });
  await client.settled(first?.saga_id ?? "");
  await schedules.look();
  expect(await runs()).toEqual(["started", "started"]);
}, 30_000);

test("allow: both run", async () => {
  const schedules = schedulesOf(await scheduled("allow"));
  await minutesAgo(1);
  await schedules.look();
  await anotherMinute();
  await schedules.look();

  expect(await runs()).toEqual(["started", "started"]);
}, 30_000);

test("two processes that look at the same time start each time once", async () => {
  const definition = await scheduled("allow");
  await minutesAgo(1);
  await Promise.all([schedulesOf(definition), schedulesOf(definition)].map((schedules) => schedules.look()));

  expect(await runs()).toEqual(["started"]);
  const open = await engine.sql`select count(*)::int as n from timeline.saga_open`;
  expect(open[0]?.["n"]).toBe(1);
}, 30_000);

test("a time whose input does not fit is refused with its reason, and the next one is tried", async () => {
  await minutesAgo(1);
  await schedulesOf(await scheduled("skip", 7)).look();
  await anotherMinute();
  await schedulesOf(await scheduled("skip")).look();

  const [refused, started] = await runs();
  expect([refused?.slice(0, 9), started]).toEqual(["refused: ", "started"]);
  expect(lines.join("\n")).toContain("waiting was not started for");
}, 30_000);
