import { afterAll, beforeAll, expect, test } from "bun:test";
import type { ISql } from "postgres";
import { connect } from "../../engine/timeline/database.ts";
import { Client, type SagaJson } from "../support/client.ts";
import { type TestEngine, testEngine } from "../support/engine.ts";

/** Starts that arrive together share a transaction: each must end as if it had one of its own. */
let lab: TestEngine;
const client = new Client(() => lab.url);

beforeAll(async () => {
  lab = await testEngine("embedded");
}, 120_000);
afterAll(async () => lab?.close(), 60_000);

interface Answer {
  readonly status: number;
  readonly json: SagaJson & { readonly code?: string };
}

const start = (note: unknown, key?: string, definition = "three"): Promise<Answer> =>
  client.call(
    "POST",
    `/v1/sagas/${definition}`,
    { note },
    key === undefined ? {} : { "idempotency-key": key },
  ) as Promise<Answer>;
const tally = (answers: readonly Answer[]) =>
  Object.fromEntries(Object.entries(Object.groupBy(answers, ({ status }) => status)).map(([k, v]) => [k, v?.length]));
const ids = (answers: readonly Answer[]) =>
  new Set(answers.filter(({ status }) => status < 300).map(({ json }) => json.sagaId));

test("each of a crowd of different starts has its own saga, and what is refused among them disturbs nobody", async () => {
  const answers = await Promise.all(
    Array.from({ length: 120 }, (_, at) => {
      if (at % 10 === 3) return start(17);
      if (at % 10 === 7) return start(`crowd ${at}`, undefined, "no_such_saga");
      return start(`crowd ${at}`, at % 2 === 0 ? `crowd-${at}` : undefined);
    }),
  );
  expect(tally(answers)).toEqual({ 201: 96, 404: 12, 422: 12 });
  expect(ids(answers).size).toBe(96);
  const ends = await Promise.all([...ids(answers)].map((id) => client.settled(id)));
  expect(new Set(ends.map(({ status }) => status))).toEqual(new Set(["completed"]));
});

test("equal starts under one Idempotency-Key are one saga, whichever group they are in", async () => {
  const answers = await Promise.all(Array.from({ length: 40 }, () => start("one key", "one-key")));
  expect(tally(answers)).toEqual({ 200: 39, 201: 1 });
  expect(ids(answers).size).toBe(1);
});

test("another request under a used key is refused, in the same group too", async () => {
  const answers = await Promise.all(Array.from({ length: 40 }, (_, at) => start(`body ${at}`, "two-bodies")));
  expect(tally(answers)).toEqual({ 201: 1, 422: 39 });
  expect(answers.find(({ status }) => status === 422)?.json.code).toBe("saga.idempotency-mismatch");
  // A key whose start was refused is free: nothing was changed.
  expect((await start(17, "refused-first")).status).toBe(422);
  expect((await start("now right", "refused-first")).status).toBe(201);
});

test("a business key has one open saga; with another key of its own each start still finds it", async () => {
  await client.ok("POST", "/v1/consumer-groups/dispatcher/pause", { reason: "keep them open" });
  const answers = await Promise.all(Array.from({ length: 30 }, (_, at) => start("same business", `mine-${at}`)));
  expect(tally(answers)).toEqual({ 200: 29, 201: 1 });
  expect(ids(answers).size).toBe(1);
  const again = await Promise.all(Array.from({ length: 30 }, (_, at) => start("same business", `mine-${at}`)));
  expect(ids(again)).toEqual(ids(answers));
  const refused = (await client.call(
    "POST",
    "/v1/sagas/three?duplicate=reject",
    { note: "same business" },
    {
      "idempotency-key": "mine-reject",
    },
  )) as Answer;
  expect([refused.status, refused.json.code]).toEqual([409, "saga.key-open"]);
  await client.ok("POST", "/v1/consumer-groups/dispatcher/resume", { reason: "done" });
  const [only] = [...ids(answers)];
  expect((await client.settled(only as string)).status).toBe("completed");
  // The refused call left its Idempotency-Key free.
  expect((await start("same business", "mine-reject")).status).toBe(201);
});

test("every accepted start is one saga with one first request", async () => {
  const [counts] = await lab.sql<{ sagas: number; started: number; open: number }[]>`
    select (select count(*)::int from timeline.saga) as sagas,
      (select count(*)::int from timeline.event_request where message_type = 'saga.started') as started,
      (select count(*)::int from timeline.saga s where not exists (
        select from timeline.event_request r where r.correlation_id = s.id and r.message_type = 'saga.started')) as open
  `;
  expect(counts?.sagas).toBe(counts?.started as number);
  expect(counts?.open).toBe(0);
});

test("a request to a topic that nobody has made is refused by the database", async () => {
  await expect(Promise.resolve(requestTo(lab.sql, "nobody.home"))).rejects.toThrow("no such topic: nobody.home");
});

test("what a transaction knows of topics is true of those topics alone, and of that transaction alone", async () => {
  const topic = "somebody.home";
  await lab.sql`insert into timeline.topic (name) values (${topic})`;
  const mixed = lab.sql.begin(async (tx) => {
    await requestTo(tx, topic);
    await requestTo(tx, topic);
    await requestTo(tx, "somebody");
  });
  await expect(mixed).rejects.toThrow("no such topic: somebody");
  await lab.sql.begin(async (tx) => {
    await requestTo(tx, topic);
    await tx`delete from timeline.topic where name = ${topic}`;
  });
  const later = lab.sql.begin((tx) => requestTo(tx, topic));
  await expect(later).rejects.toThrow(`no such topic: ${topic}`);
});

test("batches of any size share one plan of each statement", async () => {
  const functions = await lab.sql<{ name: string; planned: boolean }[]>`
    select proname as name, 'plan_cache_mode=force_generic_plan' = any (proconfig) as planned from pg_proc
    where pronamespace = 'timeline'::regnamespace and proname like '%\_batch' order by proname
  `;
  expect(functions.length).toBe(6);
  expect(functions.filter(({ planned }) => !planned)).toEqual([]);
  const sql = connect(lab.engine.databaseUrl, { max: 1, name: "planned once", plans: "fixed" });
  const [mode] = await sql`show plan_cache_mode`.finally(() => sql.end());
  expect(mode).toEqual({ plan_cache_mode: "force_generic_plan" });
});

function requestTo(sql: ISql, topic: string) {
  return sql`
    insert into timeline.event_request (message_id, correlation_id, topic, message_key, message_type, message_body, producer)
    values (timeline.new_ulid(), timeline.new_ulid(), ${topic}, 'x', 'step.requested', '{}', 'test')
  `;
}
