import { afterAll, beforeAll, expect, test } from "bun:test";
import * as v from "valibot";

import type { Api } from "../../engine/api/api-env.ts";
import { Overview } from "../../engine/api/overview-schema.ts";
import { viewPaused } from "../../engine/api/paused-groups.ts";
import { Saga, SagaList } from "../../engine/api/saga-schema.ts";
import { createApi } from "../../engine/api/server.ts";
import type { JsonObject } from "../../engine/core/json.ts";
import { newId } from "../../engine/timeline/ids.ts";
import { type ApiDatabase, apiDatabase } from "./api-database.ts";
import { keptLog, readingEngine } from "./reading-engine.ts";
import { insertMessage, insertSaga } from "./saga-rows.ts";

const STARTED = "2026-11-01T10:00:00.000Z";
const MOVED = "2026-11-01T10:00:09.000Z";
const DUE = "2026-11-02T00:00:00.000Z";

let database: ApiDatabase;
let app: Api;

beforeAll(async () => {
  database = await apiDatabase();
  const hasChildren = (definition: string) => Promise.resolve(definition === "delivery");
  app = createApi({ engine: readingEngine({ hasChildren }), sql: database.sql, log: keptLog() });
}, 60_000);
afterAll(() => database?.end());

interface Row {
  readonly status?: string;
  readonly definition?: string;
  readonly error?: JsonObject;
  readonly state?: JsonObject;
  readonly parent?: { readonly sagaId: string; readonly step: string };
  /** Path, status, attempts. */
  readonly steps?: readonly (readonly [string, string, number])[];
}

async function insert({ steps = [], ...saga }: Row): Promise<string> {
  const { sql } = database;
  const id = await insertSaga(sql, saga);
  await sql`update timeline.saga set started_at = ${STARTED}, updated_at = ${MOVED} where id = ${id}`;
  for (const [path, status, attempts] of steps) {
    await sql`
      insert into timeline.saga_step (saga_id, path, status, attempts, started_at)
      values (${id}, ${path}, ${status}, ${attempts}, ${STARTED})
    `;
  }
  return id;
}

/** As a list and the saga alone say it. */
async function waiting(id: string) {
  const { items } = v.parse(SagaList, await (await app.request("/v1/sagas?limit=200")).json());
  const alone = v.parse(Saga, await (await app.request(`/v1/sagas/${id}`)).json());
  expect(items.find(({ sagaId }) => sagaId === id)?.waiting).toEqual(alone.waiting);
  return alone.waiting;
}

const wait = { signal: "approved", path: "approval", deadlineAt: DUE };
const two: readonly (readonly [string, string, number])[] = [
  ["screen", "retrying", 2],
  ["charge", "running", 1],
];

test.each<[string, Row, object | null]>([
  ["a final saga waits for nothing", { status: "completed", state: { waitingFor: [wait], timers: {} } }, null],
  [
    "but a completed child whose undoing is parked waits for a person",
    { status: "completed", state: { reversal: "running", parked: { code: "c" } }, steps: [["charge", "parked", 1]] },
    { kind: "person", step: "charge", since: MOVED, until: null },
  ],
  ["one that undoes itself does not", { status: "completed", state: { reversal: "running" } }, null],
  ["nor one that has been parked", { status: "completed", state: { reversal: "done", parked: { code: "c" } } }, null],
  ["one between two steps neither", { steps: [["all", "running", 0]] }, null],
  [
    "a parked one waits for a person at the step of its error",
    { status: "parked", error: { code: "c", message: "m", step: "charge" }, state: { waitingFor: [wait] } },
    { kind: "person", step: "charge", since: MOVED, until: null },
  ],
  [
    "or, without one, at the step that is parked",
    { status: "parked", steps: [["undone", "parked", 1]] },
    { kind: "person", step: "undone", since: MOVED, until: null },
  ],
  [
    "a signal before what goes on by itself",
    {
      state: { waitingFor: [wait], timers: { "retry:screen": DUE } },
      steps: [["approval", "waiting", 0], ...two],
    },
    { kind: "signal", step: "approval", signal: "approved", since: STARTED, until: DUE },
  ],
  [
    "the soonest retry before a sleep and an answer",
    {
      state: { timers: { "sleep:nap": STARTED, "retry:other": "2026-11-03T00:00:00Z", "retry:screen": DUE } },
      steps: two,
    },
    { kind: "retry", step: "screen", since: STARTED, until: DUE },
  ],
  [
    "a retry of what undoes a step since the last transition",
    { status: "compensating", state: { timers: { "retry:screen": DUE } }, steps: [["screen", "compensating", 2]] },
    { kind: "retry", step: "screen", since: MOVED, until: DUE },
  ],
  [
    "its own pause",
    { state: { timers: { "sleep:nap": DUE, "deadline:": STARTED } }, steps: [["nap", "waiting", 0]] },
    { kind: "sleep", step: "nap", since: STARTED, until: DUE },
  ],
  ["an answer to a step", { steps: two }, { kind: "answer", step: "charge", since: STARTED, until: null }],
  [
    "an answer to what undoes a step",
    { status: "compensating", steps: [["charge", "compensating", 1]] },
    { kind: "answer", step: "charge", since: MOVED, until: null },
  ],
])("%s", async (_what, row, expected) => {
  expect(await waiting(await insert(row))).toEqual(expected as never);
});

test("a parent waits for its open child, for a parked one before others; one that waits for a signal says that", async () => {
  const steps = [["order", "running", 1]] as const;
  const of = (sagaId: string) => ({ parent: { sagaId, step: "order" } });
  const parent = await insert({ definition: "delivery", steps });
  await insert({ ...of(parent), status: "completed" });
  expect(await waiting(parent)).toEqual({ kind: "answer", step: "order", since: STARTED, until: null });

  const parked = await insert({ ...of(parent), status: "parked" });
  await insert(of(parent));
  const child = { sagaId: parked, status: "parked" } as const;
  expect(await waiting(parent)).toEqual({ kind: "child", step: "order", child, since: STARTED, until: null });

  const signalled = await insert({ definition: "delivery", state: { waitingFor: [wait] } });
  await insert(of(signalled));
  expect((await waiting(signalled))?.kind).toBe("signal");
});

test("a parent waits for a completed child that is parked while it is taken back, however many are newer", async () => {
  const { sql } = database;
  const parent = await insert({
    definition: "delivery",
    status: "compensating",
    steps: [["order", "compensating", 1]],
  });
  const stuck = await insert({
    parent: { sagaId: parent, step: "order" },
    status: "completed",
    state: { reversal: "running", parked: { code: "c" } },
  });
  await sql`insert into timeline.saga_open (saga_id, definition, status) values (${stuck}, 'onboarding', 'parked')`;
  for (let n = 0; n < 150; n++) await insert({ parent: { sagaId: parent, step: "order" }, status: "completed" });
  const child = { sagaId: stuck, status: "parked" } as const;
  expect(await waiting(parent)).toEqual({ kind: "child", step: "order", child, since: MOVED, until: null });
});

test("who is taken back while a child of his is waits for that child, and so does who takes him back", async () => {
  const { sql } = database;
  const undoing = { steps: [["order", "compensating", 1]] } as const;
  const top = await insert({ definition: "delivery", status: "compensating", ...undoing });
  const middle = await insert({
    definition: "delivery",
    parent: { sagaId: top, step: "order" },
    status: "completed",
    state: { reversal: "running" },
    ...undoing,
  });
  const stuck = await insert({
    parent: { sagaId: middle, step: "order" },
    status: "completed",
    state: { reversal: "running", parked: { code: "c" } },
  });
  await sql`insert into timeline.saga_open (saga_id, definition, status) values (${stuck}, 'onboarding', 'parked')`;
  await insert({ parent: { sagaId: top, step: "order" }, status: "completed", state: { reversal: "done" } });
  const child = (sagaId: string, status: string) =>
    ({ kind: "child", step: "order", child: { sagaId, status }, since: MOVED, until: null }) as never;
  expect(await waiting(top)).toEqual(child(middle, "completed"));
  expect(await waiting(middle)).toEqual(child(stuck, "parked"));
});

test("who waits for an answer says which paused group has to give it, or that the dispatcher is paused, which applies it", async () => {
  const { sql } = database;
  const steps = [["screen", "running", 1]] as const;
  const [id, other] = [await insert({ steps }), await insert({ steps })];
  const command = (sagaId: string, topic: string) =>
    insertMessage(sql, { sagaId, topic, type: "step.requested", step: "screen" });
  await command(id, "screening.examine");
  await command(other, "contract.sign");
  const answer = { kind: "answer", step: "screen", since: STARTED, until: null } as const;
  expect(await waiting(id)).toEqual(answer);

  const pause = async (group: string, at: string, actor: string, reason: string) => {
    await sql`
      insert into timeline.consumer_group (consumer_group, paused, paused_reason) values (${group}, true, ${reason})
      on conflict (consumer_group) do update set paused = true, paused_reason = excluded.paused_reason
    `;
    await sql`
      insert into timeline.audit (id, at, actor, action, target, reason)
      values (${newId()}, ${at}, ${actor}, 'group.pause', ${group}, ${reason})
    `;
  };
  await pause("screening", STARTED, "earlier", "before");
  await pause("screening", MOVED, "ada", "vendor is down");
  const pausedGroup = { group: "screening", since: MOVED, by: "ada", reason: "vendor is down" };
  expect(await waiting(id)).toEqual({ ...answer, pausedGroup });
  expect(await waiting(other)).toEqual(answer);
  expect(v.parse(Overview, await (await app.request("/v1/overview")).json()).pausedGroups).toEqual([pausedGroup]);

  // Held by a recovery: no person has paused it.
  await sql`insert into timeline.consumer_group (consumer_group, paused, paused_reason) values ('dispatcher', true, 'held')`;
  const dispatcher = { group: "dispatcher", since: null, by: null, reason: "held" };
  expect(await waiting(id)).toEqual({ ...answer, pausedGroup });
  expect(await waiting(other)).toEqual({ ...answer, pausedGroup: dispatcher });
  await sql`update timeline.consumer_group set paused = false, paused_reason = null`;
  expect(await waiting(other)).toEqual(answer);
});

test("a key for some definitions learns that a group is paused, not by whom nor why", () => {
  const at = new Date(MOVED);
  const row = { consumer_group: "screening", reason: "vendor is down", at, actor: "ada" };
  expect(viewPaused(row, { definitions: ["onboarding"] })).toEqual({ group: "screening", since: MOVED });
});
