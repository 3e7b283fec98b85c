import { afterAll, beforeAll, expect, test } from "bun:test";
import * as v from "valibot";

import type { Api } from "../../engine/api/api-env.ts";
import { DefinitionDetail, DefinitionList, Diagnostics, Revision } from "../../engine/api/definition-schema.ts";
import { createApi } from "../../engine/api/server.ts";
import type { Diagnostic } from "../../engine/definition/diagnostic.ts";
import { type ApiDatabase, apiDatabase } from "./api-database.ts";
import { keptLog, readingEngine } from "./reading-engine.ts";
import { insertSaga } from "./saga-rows.ts";

const OLD = "b".repeat(64);
const NEW = "c".repeat(64);
const FINDING: Diagnostic = {
  severity: "error",
  code: "definition.unknown-key",
  message: "no such key",
  line: 2,
  column: 3,
  hint: "Remove it.",
};

const FOUND = { file: "domains/onboarding.saga.yaml", retired: null };

let database: ApiDatabase;
let app: Api;

beforeAll(async () => {
  database = await apiDatabase();
  await database.sql`
    insert into timeline.definition_revision (name, revision, version, source, created_at) values
    ('onboarding', ${OLD}, 1, 'saga: onboarding # old', '2026-11-01T00:00:00Z'),
    ('onboarding', ${NEW}, 2, 'saga: onboarding # 新', '2026-11-02T00:00:00Z')
  `;
  await database.sql`insert into timeline.definition (name, revision, version, updated_at) values ('onboarding', ${NEW}, 2, '2026-11-02T00:00:00Z')`;
  const engine = readingEngine({
    broken: () =>
      new Map([
        ["domains/refund.saga.yaml", { name: "refund", diagnostics: [FINDING], source: "saga: refund # 新" }],
        ["domains/long.saga.yaml", { name: null, diagnostics: [FINDING], source: "#".repeat(256 * 1024 + 1) }],
      ]),
    files: () => new Map([["onboarding", "domains/onboarding.saga.yaml"]]),
    load: (source) => ({
      definition: null,
      diagnostics: source.includes("bad") ? [FINDING] : [],
      catalog: { actions: new Map() },
    }),
  });
  app = createApi({ engine, sql: database.sql, log: keptLog() });
}, 60_000);
afterAll(() => database?.end());

test("definitions are listed with their current revision, and with the files that are broken", async () => {
  const response = await app.request("/v1/definitions");
  expect(v.parse(DefinitionList, await response.json())).toEqual({
    items: [{ name: "onboarding", version: 2, revision: NEW, updatedAt: "2026-11-02T00:00:00.000Z", ...FOUND }],
    nextCursor: null,
    broken: [
      { file: "domains/refund.saga.yaml", diagnostics: [FINDING], source: "saga: refund # 新" },
      { file: "domains/long.saga.yaml", diagnostics: [FINDING], source: null },
    ],
  });
});

test("on demand the list counts the sagas that are not final, and it says which definitions are retired", async () => {
  const { sql } = database;
  const saga = await insertSaga(sql, { status: "parked" });
  await sql`
    update timeline.definition set retired_at = '2026-11-03', retired_by = 'key:ann', retired_reason = 'sold'
    where name = 'onboarding'
  `;
  const response = await app.request("/v1/definitions?open=true");
  await sql`update timeline.definition set retired_at = null, retired_by = null, retired_reason = null`;
  await sql`delete from timeline.saga_open where saga_id = ${saga}`;

  const { items } = v.parse(DefinitionList, await response.json());
  const retired = { since: "2026-11-03T00:00:00.000Z", by: "key:ann", reason: "sold" };
  expect(items.map(({ name, open, retired }) => ({ name, open, retired }))).toEqual([
    { name: "onboarding", open: 1, retired },
  ]);
});

test("a retired definition has no next planned time, and has one again when it is restored", async () => {
  const { sql } = database;
  const source = `saga: monthly
version: 1
schedule: { cron: "0 3 1 * *", timezone: Asia/Tokyo }
steps:
  - step: only
    command: lab.one
    compensate: lab.undo
`;
  await sql`insert into timeline.definition_revision (name, revision, version, source) values ('monthly', ${NEW}, 1, ${source})`;
  await sql`
    insert into timeline.definition (name, revision, version, retired_at, retired_by, retired_reason)
    values ('monthly', ${NEW}, 1, '2026-11-03', 'key:ann', 'sold')
  `;
  const scheduled = async () => {
    const response = await app.request("/v1/definitions/monthly");
    return v.parse(DefinitionDetail, await response.json()).schedule;
  };
  const schedule = { cron: "0 3 1 * *", timezone: "Asia/Tokyo", overlap: "skip", runs: [] };
  expect(await scheduled()).toEqual({ ...schedule, nextAt: null } as never);
  await sql`update timeline.definition set retired_at = null, retired_by = null, retired_reason = null`;
  expect(await scheduled()).toEqual({ ...schedule, nextAt: expect.stringMatching(/T18:00:00\.000Z$/) } as never);
  await sql`delete from timeline.definition where name = 'monthly'`;
});

test("the text of a broken file is left out on demand, and read by itself", async () => {
  const broken = async (query: string) => {
    const response = await app.request(`/v1/definitions?${query}`);
    return v.parse(DefinitionList, await response.json()).broken;
  };
  const [refund, long] = ["refund", "long"].map((name) => ({
    file: `domains/${name}.saga.yaml`,
    diagnostics: [FINDING],
  }));
  // Too long to be handed over at all: whoever lists them knows.
  expect(await broken("sources=false")).toEqual([refund, { ...long, source: null }] as never);
  expect(await broken("file=domains/refund.saga.yaml")).toEqual([{ ...refund, source: "saga: refund # 新" }] as never);
  expect(await broken("file=domains/none.saga.yaml")).toEqual([]);
});

test("a definition shows its source and its revisions, newest first, with the sagas that still run on each", async () => {
  const [parked, running] = [
    await insertSaga(database.sql, { status: "parked" }),
    await insertSaga(database.sql, { status: "running" }),
  ];
  await insertSaga(database.sql, { status: "completed" });
  await database.sql`update timeline.saga set revision = ${OLD} where definition = 'onboarding'`;
  const response = await app.request("/v1/definitions/onboarding");
  await database.sql`delete from timeline.saga_open where saga_id in (${parked}, ${running})`;

  expect(v.parse(DefinitionDetail, await response.json())).toEqual({
    name: "onboarding",
    version: 2,
    revision: NEW,
    updatedAt: "2026-11-02T00:00:00.000Z",
    ...FOUND,
    source: "saga: onboarding # 新",
    schedule: null,
    startTopic: null,
    revisions: [
      { revision: NEW, version: 2, createdAt: "2026-11-02T00:00:00.000Z", current: true, open: 0, parked: 0 },
      { revision: OLD, version: 1, createdAt: "2026-11-01T00:00:00.000Z", current: false, open: 2, parked: 1 },
    ],
  });
});

test("of more revisions than an answer names, those that sagas run on are among them", async () => {
  await database.sql`
    insert into timeline.definition_revision (name, revision, version, source, created_at)
    select 'busy', lpad(n::text, 64, '0'), 1, '', '2026-01-01'::timestamptz + n * interval '1 minute'
    from generate_series(1, 210) as n
  `;
  await database.sql`insert into timeline.definition (name, revision, version) values ('busy', ${"210".padStart(64, "0")}, 1)`;
  const saga = await insertSaga(database.sql, { definition: "busy" });
  await database.sql`update timeline.saga set revision = ${"3".padStart(64, "0")} where id = ${saga}`;
  const { revisions } = v.parse(DefinitionDetail, await (await app.request("/v1/definitions/busy")).json());

  expect(revisions).toHaveLength(201);
  expect(revisions.at(-1)).toMatchObject({ revision: "3".padStart(64, "0"), open: 1 });
});

test("a revision is JSON, and its bare YAML for those who ask for it", async () => {
  const path = `/v1/definitions/onboarding/revisions/${OLD}`;
  const json = await app.request(path, { headers: { accept: "*/*" } });
  expect(v.parse(Revision, await json.json())).toMatchObject({
    name: "onboarding",
    version: 1,
    source: "saga: onboarding # old",
  });
  const yaml = await app.request(path, { headers: { accept: "text/yaml, */*;q=0.1" } });
  expect([yaml.headers.get("content-type"), await yaml.text()]).toEqual([
    "text/yaml; charset=utf-8",
    "saga: onboarding # old",
  ]);
});

test("a revision names the signals that it waits for, with the fields that each declares", async () => {
  const hash = "e".repeat(64);
  const source = `saga: review
version: 1
steps:
  - wait: reviewed
    returns:
      decision: [approve, reject]
      by: string(1..60)
      note: string?
      amounts: list<integer(0..)>?
  - parallel:
      left: [{ wait: paid }]
      right: [{ wait: counted, returns: integer }]
`;
  await database.sql`
    insert into timeline.definition_revision (name, revision, version, source) values ('review', ${hash}, 1, ${source})
  `;
  const { waits } = v.parse(Revision, await (await app.request(`/v1/definitions/review/revisions/${hash}`)).json());
  expect(waits).toEqual([
    {
      path: "wait0",
      signal: "reviewed",
      fields: [
        { name: "decision", shape: "[approve, reject]", kind: "enum", required: true, values: ["approve", "reject"] },
        { name: "by", shape: "string(1..60)", kind: "string", required: true, values: [] },
        { name: "note", shape: "string?", kind: "string", required: false, values: [] },
        { name: "amounts", shape: "list<integer(0..)>?", kind: "list", required: false, values: [] },
      ],
    },
    { path: "parallel1/left/wait0", signal: "paid", fields: null },
    { path: "parallel1/right/wait0", signal: "counted", fields: null },
  ]);
});

test("what does not exist is 404", async () => {
  expect((await app.request("/v1/definitions/refund")).status).toBe(404);
  expect((await app.request(`/v1/definitions/onboarding/revisions/${"d".repeat(64)}`)).status).toBe(404);
});

test("validate answers findings as data", async () => {
  const post = (body: string, type: string) =>
    app.request("/v1/definitions/validate", { method: "POST", body, headers: { "content-type": type } });
  expect(v.parse(Diagnostics, await (await post("bad: 1", "text/yaml")).json())).toEqual([FINDING]);
  expect(await (await post("saga: fine", "application/yaml; charset=utf-8")).json()).toEqual([]);
  expect((await post("saga: fine", "application/json")).status).toBe(415);
  expect((await post("#".repeat(262_145), "text/yaml")).status).toBe(413);
});
