import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import * as v from "valibot";

import type { Api } from "../../engine/api/api-env.ts";
import { Saga, SagaList, StepList } from "../../engine/api/saga-schema.ts";
import { createApi } from "../../engine/api/server.ts";
import { newId } from "../../engine/timeline/ids.ts";
import { type ApiDatabase, apiDatabase } from "./api-database.ts";
import { keptLog, readingEngine } from "./reading-engine.ts";
import { insertSaga, REVISION } from "./saga-rows.ts";

let database: ApiDatabase;
let app: Api;

beforeAll(async () => {
  database = await apiDatabase();
  app = createApi({ engine: readingEngine(), sql: database.sql, log: keptLog() });
}, 60_000);
afterAll(() => database?.end());
beforeEach(async () => {
  await database.sql`truncate timeline.saga, timeline.saga_open, timeline.saga_step`;
});

async function list(query = "") {
  const response = await app.request(`/v1/sagas${query}`);
  expect(response.status).toBe(200);
  const { items, nextCursor } = v.parse(SagaList, await response.json());
  return { ids: items.map((item) => item.sagaId), nextCursor };
}

test("a saga is shown with its steps, what it waits for and its times", async () => {
  const { sql } = database;
  const waitingFor = [
    { signal: "reviewed", path: "choose2/manual_review/review", deadlineAt: "2026-12-01T00:00:00.000Z" },
  ];
  const id = await insertSaga(sql, {
    key: "A-1",
    labels: { purpose: "car" },
    input: { n: 1 },
    state: {
      waitingFor,
      timers: {
        "deadline:": "2026-12-02T00:00:00.000Z",
        "retry:each1[3]/screen": "2026-11-30T00:00:00.000Z",
        "deadline:choose2/manual_review/review": "2026-12-01T00:00:00.000Z",
      },
    },
    startedAt: "2026-11-01T10:00:00.000Z",
  });
  await sql`
    insert into timeline.saga_step (saga_id, path, status, attempts, started_at, finished_at) values
    (${id}, 'screen', 'running', 2, '2026-11-01T10:00:02Z', null),
    (${id}, 'apply', 'succeeded', 1, '2026-11-01T10:00:01Z', '2026-11-01T10:00:02Z')
  `;
  const response = await app.request(`/v1/sagas/${id.toLowerCase()}`);
  expect(response.status).toBe(200);
  expect(v.parse(Saga, await response.json())).toEqual({
    sagaId: id,
    definition: "onboarding",
    version: 1,
    revision: REVISION,
    status: "running",
    key: "A-1",
    labels: { purpose: "car" },
    input: { n: 1 },
    output: null,
    error: null,
    uncompensated: [],
    steps: [
      {
        path: "apply",
        status: "succeeded",
        attempts: 1,
        startedAt: "2026-11-01T10:00:01.000Z",
        finishedAt: "2026-11-01T10:00:02.000Z",
      },
      { path: "screen", status: "running", attempts: 2, startedAt: "2026-11-01T10:00:02.000Z", finishedAt: null },
    ],
    waitingFor,
    waiting: {
      kind: "signal",
      step: "choose2/manual_review/review",
      signal: "reviewed",
      since: expect.any(String),
      until: "2026-12-01T00:00:00.000Z",
    },
    timers: [
      { kind: "retry", step: "each1[3]/screen", dueAt: "2026-11-30T00:00:00.000Z" },
      { kind: "deadline", step: "choose2/manual_review/review", dueAt: "2026-12-01T00:00:00.000Z" },
      { kind: "deadline", step: null, dueAt: "2026-12-02T00:00:00.000Z" },
    ],
    parent: null,
    startedAt: "2026-11-01T10:00:00.000Z",
    updatedAt: expect.any(String),
    finishedAt: null,
  });
});

test("a saga that waits for nothing says null, and its error has no more than the API promises", async () => {
  const error = { code: "step.fault", message: "no such field", step: "screen", kind: "fault", line: 3, column: 9 };
  const id = await insertSaga(database.sql, { status: "parked", state: { waitingFor: [] }, error });
  expect(await (await app.request(`/v1/sagas/${id}`)).json()).toMatchObject({
    waitingFor: null,
    error: { code: "step.fault", message: "no such field", step: "screen", line: 3, column: 9 },
  });
});

test("a step says why it was rejected or failed, alone and among all steps, but not in a list of sagas", async () => {
  const { sql } = database;
  const id = await insertSaga(sql, { status: "failed", error: { code: "not_shipped", message: "", step: "fail0" } });
  const error = { code: "no_address", message: "nothing can be sent to Nobody", step: "ship" };
  await sql`
    insert into timeline.saga_step (saga_id, path, status, error) values
    (${id}, 'apply', 'compensated', null), (${id}, 'ship', 'rejected', ${sql.json({ ...error, kind: "rejected" })})
  `;
  const errors = (steps: v.InferOutput<typeof Saga>["steps"]) => steps.map((step) => [step.path, step.error]);
  const expected = [
    ["apply", undefined],
    ["ship", error],
  ];
  expect(errors(v.parse(Saga, await (await app.request(`/v1/sagas/${id}`)).json()).steps)).toEqual(expected);
  expect(errors(v.parse(StepList, await (await app.request(`/v1/sagas/${id}/steps`)).json()).items)).toEqual(expected);
  const { items } = v.parse(SagaList, await (await app.request("/v1/sagas")).json());
  expect(items.flatMap(({ steps }) => steps.map((step) => step.error))).toEqual([undefined, undefined]);
});

test("a saga that does not exist is 404, also with wait", async () => {
  const path = "/v1/sagas/01KAS0CW5V8XJQ6Z3T4M7N9PRD";
  expect((await app.request(path)).status).toBe(404);
  expect((await app.request(`${path}?wait=60s`)).status).toBe(404);
});

test("pages follow each other newest first, without a gap or a repetition", async () => {
  const ids: string[] = [];
  for (let count = 0; count < 5; count += 1) ids.unshift(await insertSaga(database.sql));
  const first = await list("?limit=2");
  const second = await list(`?limit=2&cursor=${first.nextCursor}`);
  const third = await list(`?limit=2&cursor=${second.nextCursor}`);
  expect([...first.ids, ...second.ids, ...third.ids]).toEqual(ids);
  expect(third.nextCursor).toBeNull();
});

test("a saga that starts between two pages moves none of the older ones", async () => {
  const older = await insertSaga(database.sql);
  const newer = await insertSaga(database.sql);
  const first = await list("?limit=1");
  await insertSaga(database.sql);
  const second = await list(`?limit=1&cursor=${first.nextCursor}`);
  expect([first.ids, second.ids]).toEqual([[newer], [older]]);
});

test("a list is narrowed to a revision, to what waits for its next attempt, and to what ended between two times", async () => {
  const { sql } = database;
  const other = await insertSaga(sql);
  await sql`update timeline.saga set revision = ${"b".repeat(64)} where id = ${other}`;
  const waits = await insertSaga(sql);
  await sql`
    insert into timeline.timer (saga_id, name, due_at) values
    (${waits}, 'retry:screen', now()), (${waits}, 'retry:apply', now()), (${other}, 'deadline:', now())
  `;
  const ended = await insertSaga(sql, { status: "completed" });
  await sql`update timeline.saga set finished_at = now() where id = ${ended}`;
  await sql`
    insert into timeline.event_consumption (consumer_group, message_id, correlation_id, topic, consumer, status) values
    ('dispatcher', ${newId()}, ${ended}, 'timeline', 'here:1', 'completed'),
    ('dispatcher', ${newId()}, ${other}, 'timeline', 'here:1', 'running')
  `;
  const [before, after] = [-60_000, 60_000].map((ms) => new Date(Date.now() + ms).toISOString());

  expect((await list(`?revision=${"b".repeat(64)}&status=running`)).ids).toEqual([other]);
  expect((await list("?retrying=true")).ids).toEqual([waits]);
  expect((await list("?retrying=false")).ids).not.toContain(waits);
  expect((await list("?retrying=true&status=parked")).ids).toEqual([]);
  expect((await list(`?endedAfter=${before}&endedBefore=${after}`)).ids).toEqual([ended]);
  expect((await list(`?endedAfter=${after}`)).ids).toEqual([]);
  expect((await list(`?endedAfter=${before}&endedBefore=${before}`)).ids).toEqual([]);
});

test("a saga that ended before and moved since has not ended since", async () => {
  const { sql } = database;
  const child = await insertSaga(sql, { status: "completed" });
  await sql`update timeline.saga set finished_at = now() - interval '2 hours' where id = ${child}`;
  await sql`
    insert into timeline.event_consumption (consumer_group, message_id, correlation_id, topic, consumer, status)
    values ('dispatcher', ${newId()}, ${child}, 'timeline', 'here:1', 'completed')
  `;
  const ago = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();

  expect((await list(`?status=completed&endedAfter=${ago(3)}`)).ids).toEqual([child]);
  expect((await list(`?status=completed&endedAfter=${ago(1)}`)).ids).toEqual([]);
});

test("every filter narrows the list, and several narrow it together", async () => {
  const { sql } = database;
  const parked = await insertSaga(sql, { status: "parked", key: "A", startedAt: "2026-11-01T00:00:00Z" });
  const done = await insertSaga(sql, {
    status: "completed",
    key: "A",
    definition: "refund",
    startedAt: "2026-11-02T00:00:00Z",
  });
  const running = await insertSaga(sql, {
    key: "B",
    labels: { purpose: "car", rank: 3, vip: true },
    startedAt: "2026-11-03T00:00:00Z",
  });
  const expected: [string, string[]][] = [
    ["?definition=refund", [done]],
    ["?status=parked", [parked]],
    ["?status=completed", [done]],
    ["?status=parked,running", [running, parked]],
    ["?status=parked,completed", [done, parked]],
    ["?key=A", [done, parked]],
    ["?label.purpose=car", [running]],
    ["?label.rank=3&label.vip=true", [running]],
    ["?label.rank=4", []],
    ["?startedAfter=2026-11-01T12:00:00Z", [running, done]],
    ["?startedAfter=2026-11-01T12:00:00Z&startedBefore=2026-11-02T12:00:00Z", [done]],
    ["?key=A&status=completed&definition=refund", [done]],
    ["?key=A&status=running", []],
  ];
  for (const [query, ids] of expected) expect([query, (await list(query)).ids]).toEqual([query, ids]);
});

test("a label is looked up in the index, which holds only sagas that have labels", async () => {
  const { sql } = database;
  await sql`
    insert into timeline.saga (id, definition, version, revision, status, labels, input, started_at)
    select timeline.ulid_time(now()) || lpad(n::text, 16, '0'), 'onboarding', 1, ${REVISION}, 'completed',
      case n when 7 then '{"purpose": "car"}' else '{}' end::jsonb, '{}', now()
    from generate_series(1, 5000) n
  `;
  await sql`vacuum analyze timeline.saga`;
  const scans = async () => {
    const [row] = await sql<{ scans: number }[]>`
      select idx_scan::integer as scans from pg_stat_user_indexes where indexrelname = 'saga_labels_idx'
    `;
    return row?.scans ?? 0;
  };
  const before = await scans();
  for (let looks = 0; looks < 100 && (await scans()) === before; looks += 1) {
    expect((await list("?label.purpose=car")).ids).toHaveLength(1);
    // Sessions tell their counts when they have nothing to do.
    await Bun.sleep(100);
  }
  expect(await scans()).toBeGreaterThan(before);
  const [index] = await sql<
    { tuples: number }[]
  >`select reltuples::integer as tuples from pg_class where relname = 'saga_labels_idx'`;
  expect(index?.tuples).toBeLessThan(100);
}, 30_000);

test("open sagas are found by the step that they are at, of an each by any item or by one", async () => {
  const { sql } = database;
  const at = async (path: string, status: string, ended = false) => {
    const id = await insertSaga(sql, { status });
    await sql`
      insert into timeline.saga_step (saga_id, path, status, finished_at)
      values (${id}, ${path}, ${status === "parked" ? "parked" : "running"}, ${ended ? new Date() : null})
    `;
    return id;
  };
  const screen = await at("screen", "running");
  await at("screen", "running", true);
  await at("screen", "terminated");
  const third = await at("each1[3]/pack", "parked");
  const fourth = await at("each1[4]/pack", "running");
  const undone = await at("reserve", "parked", true);
  const expected: [string, string[]][] = [
    ["?step=screen", [screen]],
    ["?step=screen&status=parked", []],
    ["?step=screen&status=completed", []],
    ["?step=each1[]/pack", [fourth, third]],
    ["?step=each1[]/pack&status=parked", [third]],
    ["?step=each1[4]/pack", [fourth]],
    ["?step=reserve", [undone]],
  ];
  for (const [query, ids] of expected) expect([query, (await list(query)).ids]).toEqual([query, ids]);
});

test("what looks like SQL in a filter is only a text", async () => {
  await insertSaga(database.sql, { key: "A" });
  expect((await list(`?key=${encodeURIComponent("A' or '1'='1")}`)).ids).toEqual([]);
  expect((await list(`?label.purpose=${encodeURIComponent(`"}' or true --`)}`)).ids).toEqual([]);
});

test("a saga of many steps is shown with those that have not ended and the newest; all are listed page by page", async () => {
  const { sql } = database;
  const id = await insertSaga(sql, {});
  await sql`
    insert into timeline.saga_step (saga_id, path, status, attempts, started_at, finished_at)
    select ${id}, 'ship[' || n || ']/pack', case when n = 3 then 'running' else 'succeeded' end, 1,
      '2026-11-01T10:00:00Z'::timestamptz + n * interval '1 s',
      case when n <> 3 then '2026-11-01T11:00:00Z'::timestamptz end
    from generate_series(0, 299) n
  `;
  const saga = v.parse(Saga, await (await app.request(`/v1/sagas/${id}`)).json());
  const expected = [3, ...Array.from({ length: 199 }, (_none, index) => index + 101)];
  expect([saga.moreSteps, saga.steps.map(({ path }) => path)]).toEqual([true, expected.map((n) => `ship[${n}]/pack`)]);

  const found: string[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const query: string = cursor === "" ? "" : `&cursor=${cursor}`;
    const response = await app.request(`/v1/sagas/${id}/steps?limit=120${query}`);
    const page: v.InferOutput<typeof StepList> = v.parse(StepList, await response.json());
    expect(page.items.length).toBeLessThanOrEqual(120);
    found.push(...page.items.map(({ path }) => path));
    cursor = page.nextCursor;
  }
  expect(found).toEqual(Array.from({ length: 300 }, (_none, n) => `ship[${n}]/pack`).toSorted());
});

test("a saga that moves is shown with the steps of the same moment, alone and in a list", async () => {
  const { sql } = database;
  const id = await insertSaga(sql);
  await sql`insert into timeline.saga_step (saga_id, path, status) values (${id}, 'apply', 'running')`;
  let isRead = false;
  const moving = (async () => {
    for (let turn = 0; !isRead; turn += 1) {
      const status = turn % 2 === 0 ? "parked" : "running";
      await sql.begin(async (tx) => {
        await tx`update timeline.saga set status = ${status} where id = ${id}`;
        await tx`update timeline.saga_step set status = ${status} where saga_id = ${id}`;
      });
    }
  })();
  const seen: [string, string | undefined][] = [];
  for (let read = 0; read < 150; read += 1) {
    const one = v.parse(Saga, await (await app.request(`/v1/sagas/${id}`)).json());
    const [first] = v.parse(SagaList, await (await app.request("/v1/sagas")).json()).items;
    for (const { status, steps } of first === undefined ? [one] : [one, first]) seen.push([status, steps[0]?.status]);
  }
  isRead = true;
  await moving;

  expect(seen).toHaveLength(300);
  expect(seen.filter(([saga, step]) => saga !== step)).toEqual([]);
});
