import { afterAll, beforeAll, expect, test } from "bun:test";

import type { Api } from "../../engine/api/api-env.ts";
import { viewMessages } from "../../engine/api/message-view.ts";
import type { Engine } from "../../engine/api/port.ts";
import { createApi } from "../../engine/api/server.ts";
import { viewEvents } from "../../engine/api/stream/event-view.ts";
import { Refusal } from "../../engine/core/refusal.ts";
import { newId } from "../../engine/timeline/ids.ts";
import { readMessages } from "../../engine/timeline/read-messages.ts";
import { type ApiDatabase, apiDatabase } from "./api-database.ts";
import { keptLog, readingEngine } from "./reading-engine.ts";
import { insertConsumption, insertMessage, insertSaga } from "./saga-rows.ts";

const SENSITIVE = [
  "input.applicant.name",
  "input.applicant.pin",
  "input.cards.number",
  "steps.apply.email",
  "steps.review.note",
];
const INPUT = {
  applicationNo: "A-1",
  applicant: { name: "Hanako Yamada", pin: 4711, age: 45, vip: true },
  cards: [{ number: "1111-2222" }, { number: "3333-4444" }],
};

let database: ApiDatabase;
let app: Api;
let engine: Engine;

beforeAll(async () => {
  database = await apiDatabase();
  const sensitive = (definition: string) =>
    definition === "lost"
      ? Promise.reject(new Refusal("definition.unknown-revision", "gone", "Restore it."))
      : Promise.resolve(definition === "onboarding" ? SENSITIVE : []);
  engine = readingEngine({ sensitive });
  app = createApi({ engine, sql: database.sql, log: keptLog() });
}, 60_000);
afterAll(() => database?.end());

const get = async (path: string) => (await app.request(path)).text();

test("a saga shows its sensitive values nowhere, and the rest as it is", async () => {
  const id = await insertSaga(database.sql, {
    key: "Hanako Yamada",
    labels: { applicant: "Hanako Yamada", purpose: "car" },
    input: INPUT,
    output: { greeting: "Dear Hanako Yamada, 1111-2222", code: 4711, age: 45 },
    error: { code: "rejected", message: "no mail to hanako@example.org", step: "apply" },
  });
  const refused = { code: "unusable", message: "no mail to hanako@example.org", step: "mail" };
  await database.sql`
    insert into timeline.saga_step (saga_id, path, status, output, error) values
    (${id}, 'apply', 'succeeded', ${database.sql.json({ email: "hanako@example.org", applicationId: "X" })}, null),
    (${id}, 'mail', 'rejected', null, ${database.sql.json(refused)})
  `;
  const shown = { path: "mail", error: { code: "unusable", message: "no mail to ***", step: "mail" } };
  expect(JSON.parse(await get(`/v1/sagas/${id}/steps`))).toMatchObject({ items: [{ path: "apply" }, shown] });
  expect(JSON.parse(await get(`/v1/sagas/${id}`))).toMatchObject({ steps: [{ path: "apply" }, shown] });
  expect(JSON.parse(await get(`/v1/sagas/${id}`))).toMatchObject({
    key: "***",
    labels: { applicant: "***", purpose: "car" },
    input: {
      applicationNo: "A-1",
      applicant: { name: "***", pin: "***", age: 45, vip: true },
      cards: [{ number: "***" }, { number: "***" }],
    },
    output: { greeting: "Dear ***, ***", code: "***", age: 45 },
    error: { message: "no mail to ***" },
  });
});

test("without bodies a saga has all but input and output, read alone, beside a whole one, or in the list", async () => {
  const { sql } = database;
  const key = "B-1";
  const error = { code: "rejected", message: "no Hanako Yamada, no A-1", step: "apply" };
  const id = await insertSaga(sql, { key, input: INPUT, output: { age: 45 }, error });
  // At the same time: they share their queries.
  const answers = await Promise.all(
    ["", "?bodies=false", "?bodies=true"].map((query) => get(`/v1/sagas/${id}${query}`)),
  );
  const [whole, without, again] = answers.map((text) => JSON.parse(text));
  const { input, output, ...rest } = whole;
  expect([input.applicationNo, output, rest.error.message]).toEqual(["A-1", { age: 45 }, "no ***, no A-1"]);
  expect([without, again]).toEqual([rest, whole]);
  const listed = async (query: string) => JSON.parse(await get(`/v1/sagas?key=${key}${query}`)).items;
  expect([await listed(""), await listed("&bodies=false")]).toEqual([[whole], [rest]]);
  expect((await app.request(`/v1/sagas/${id}?bodies=no`)).status).toBe(400);
});

test("why a step is tried again shows them neither, however long the text", async () => {
  const { sql } = database;
  const id = await insertSaga(sql, { input: INPUT });
  const message = `${"x".repeat(490)} cannot greet Hanako Yamada`;
  await sql`insert into timeline.timer (saga_id, name, due_at) values (${id}, 'retry:apply', now())`;
  await sql`
    insert into timeline.saga_step (saga_id, path, status, error)
    values (${id}, 'apply', 'retrying', ${sql.json({ code: "down", message })})
  `;
  const { items } = JSON.parse(await get("/v1/retrying")) as { items: { error: { message: string } }[] };
  expect(items.map(({ error }) => error.message.slice(490))).toEqual([" cannot greet ***"]);
});

test("messages show them neither in bodies nor in the words of a failure", async () => {
  const { sql } = database;
  const sagaId = await insertSaga(sql, { input: INPUT });
  const messages = [
    await insertMessage(sql, { sagaId, type: "saga.started", body: { input: INPUT } }),
    await insertMessage(sql, {
      sagaId,
      type: "step.requested",
      step: "apply",
      body: { input: { to: "Hanako Yamada", pins: [4711] } },
    }),
    // No row of the saga knows these two yet.
    await insertMessage(sql, {
      sagaId,
      type: "step.succeeded",
      step: "apply",
      body: { output: { email: "hanako@example.org", n: 1 } },
    }),
    await insertMessage(sql, {
      sagaId,
      type: "signal.received",
      body: { signal: "reviewed", payload: { note: "knows her well", ok: true } },
    }),
    await insertMessage(sql, {
      sagaId,
      type: "compensation.requested",
      step: "apply",
      body: { input: {}, compensates: { output: { email: "hanako@example.org" } } },
    }),
  ];
  await insertConsumption(sql, {
    group: "application",
    messageId: messages[1] ?? "",
    sagaId,
    error: "cannot greet Hanako Yamada",
  });
  const shown = [await get(`/v1/sagas/${sagaId}/timeline`), await get(`/v1/messages?saga=${sagaId}`)];
  for (const id of messages) shown.push(await get(`/v1/messages/${id}`));
  for (const text of shown) expect(text).not.toMatch(/Hanako|4711|1111-2222|3333-4444|example\.org|knows her well/);
  const { items } = JSON.parse(shown[0] ?? "") as { items: { body: unknown; failures: { message: string }[] }[] };
  expect(items.map((item) => item.body)).toEqual([
    {
      input: {
        applicationNo: "A-1",
        applicant: { name: "***", pin: "***", age: 45, vip: true },
        cards: [{ number: "***" }, { number: "***" }],
      },
    },
    { input: { to: "***", pins: ["***"] } },
    { output: { email: "***", n: 1 } },
    { signal: "reviewed", payload: { note: "***", ok: true } },
    { input: {}, compensates: { output: { email: "***" } } },
  ]);
  expect(items[1]?.failures[0]?.message).toBe("cannot greet ***");
});

test("what a person wrote into a message is masked wholly, and only where something of the saga is sensitive", async () => {
  const { sql } = database;
  const body = { input: { to: "Hanako Suzuki", kind: "plain" } };
  const bodies = async (sagaId: string) => {
    const ids = [
      await insertMessage(sql, { sagaId, type: "edit.requested", body: { path: "apply", ...body } }),
      await insertMessage(sql, { sagaId, type: "step.requested", step: "apply", headers: { supersedes: "01K" }, body }),
      // The next attempt carries it too, and nothing on it says so.
      await insertMessage(sql, { sagaId, type: "step.requested", step: "apply", body }),
    ];
    const shown = [await get(`/v1/sagas/${sagaId}/timeline`), await get(`/v1/messages?saga=${sagaId}`)];
    for (const id of ids) shown.push(await get(`/v1/messages/${id}`));
    return shown;
  };
  for (const text of await bodies(await insertSaga(sql, { input: INPUT }))) {
    expect(text).not.toMatch(/Suzuki|plain/);
    expect(text).toContain('"input":"***"');
  }
  const open = await bodies(await insertSaga(sql, { definition: "open", input: INPUT }));
  for (const text of open) expect(text).toContain("Suzuki");
});

test("what a handler says of a command that a person wrote is masked wholly, where something of the saga is sensitive", async () => {
  const { sql } = database;
  const message = "no mail to Hanako Suzuki";
  const shown = async (definition: string, edited: boolean) => {
    const error = { code: "unusable", message, step: "mail" };
    const id = await insertSaga(sql, { definition, status: "parked", input: INPUT, error });
    await sql`insert into timeline.saga_step (saga_id, path, status, error) values (${id}, 'mail', 'parked', ${sql.json(error)})`;
    const body = { input: { to: "Hanako Suzuki" } };
    const headers = edited ? { headers: { supersedes: "01K" } } : {};
    await insertMessage(sql, { sagaId: id, type: "step.requested", step: "mail", ...headers, body });
    const [whole, page] = [JSON.parse(await get(`/v1/sagas/${id}`)), JSON.parse(await get(`/v1/sagas/${id}/steps`))];
    const place = {
      correlation_id: id,
      definition,
      step_key: `${id}/mail`,
      error_code: "unusable",
      error_message: message,
    };
    const row = { ...place, message_id: "m", message_type: "step.rejected", status: null, at: new Date() };
    const [event] = await viewEvents(engine, sql, [row as never]);
    const seen = [whole.error, whole.steps[0].error, page.items[0].error, event?.error];
    return [...new Set(seen.map((error) => error.message))];
  };
  expect(await shown("onboarding", true)).toEqual(["***"]);
  expect(await shown("onboarding", false)).toEqual([message]);
  expect(await shown("open", true)).toEqual([message]);
});

test("a saga whose revision cannot be read any more shows no input", async () => {
  const id = await insertSaga(database.sql, {
    definition: "lost",
    input: INPUT,
    output: { name: "Hanako Yamada", ok: true },
  });
  expect(JSON.parse(await get(`/v1/sagas/${id}`))).toMatchObject({ input: "***", output: { name: "***", ok: true } });
});

test("other sagas on the same page keep their values", async () => {
  await insertSaga(database.sql, { definition: "open", key: "page", input: { name: "Hanako Yamada" } });
  await insertSaga(database.sql, { key: "page", input: INPUT });
  const { items } = JSON.parse(await get("/v1/sagas?key=page")) as { items: { input: object }[] };
  expect(items.map((item) => item.input)).toEqual([
    {
      ...INPUT,
      applicant: { ...INPUT.applicant, name: "***", pin: "***" },
      cards: [{ number: "***" }, { number: "***" }],
    } as object,
    { name: "Hanako Yamada" },
  ]);
});

/** A message that was to start a saga of the definition, as the producer wrote it: refused when `sagaId` is none. */
async function startMessage(definition: string, sagaId?: string): Promise<string> {
  const messageId = newId();
  await insertConsumption(database.sql, {
    group: `start.${definition}`,
    messageId,
    topic: "orders",
    ...(sagaId === undefined ? { error: "no Hanako Yamada is known" } : { sagaId }),
    body: String.raw`{"name":"Hanako Yamada","city":"\u6771\u4eac","pin":"M7","kind":"plain"}`,
  });
  await database.sql`
    update timeline.event_consumption set message_key = 'Hanako Yamada', message_headers = '{"for": "Hanako Yamada"}'
    where message_id = ${messageId}
  `;
  return messageId;
}

async function insertRevision(definition: string, source: string, createdAt: string): Promise<void> {
  await database.sql`
    insert into timeline.definition_revision (name, revision, version, source, created_at)
    values (${definition}, md5(${source}) || md5(${createdAt}), 1, ${source}, ${createdAt}::text::timestamptz)
  `;
}

const revisions = async () => {
  await database.sql`truncate timeline.definition_revision cascade`;
  await insertRevision("onboarding", "sensitive: [input.applicant.name]", "2026-01-01Z");
  // What came in by an earlier revision may be what that one hides.
  await insertRevision("onboarding", "steps: []", "2026-02-01Z");
  await insertRevision("lost", "sensitive: [input.name]", "2026-01-01Z");
  await insertRevision("open", "# nothing sensitive here", "2026-01-01Z");
};

test("a message that starts sagas shows neither body nor error where its definition declares anything sensitive", async () => {
  await revisions();
  const started = await startMessage("onboarding", await insertSaga(database.sql, { input: INPUT }));
  // Two groups read the topic, and only one of them hides something.
  const shared = await startMessage("open");
  await insertConsumption(database.sql, { group: "start.onboarding", messageId: shared, topic: "orders" });
  const ids = [started, shared];
  for (const definition of ["onboarding", "lost", "never_seen"]) ids.push(await startMessage(definition));
  for (const id of ids) {
    const shown = await get(`/v1/messages/${id}`);
    // An id may hold any two letters.
    expect(shown.replaceAll(/[0-9A-HJKMNP-TV-Z]{26}/g, "")).not.toMatch(/Hanako|6771|東京|M7|plain/);
    expect(JSON.parse(shown)).toMatchObject({ body: "***", topic: "orders" });
  }
  const { items } = JSON.parse(await get("/v1/messages?group=start.onboarding&error=true"));
  expect(items).toMatchObject([
    {
      body: "***",
      consumptions: [{ errorCode: "failed", errorMessage: "***" }],
      failures: [{ code: "failed", message: "***", stack: null }],
    },
  ]);
  expect(JSON.parse(await get(`/v1/messages/${started}`)).consumptions).toMatchObject([{ errorMessage: null }]);
});

test("one whose definition declares nothing sensitive is shown, but to readers without the right to read payloads", async () => {
  await revisions();
  const { sql } = database;
  const id = await startMessage("open");
  const shown = JSON.parse(await get(`/v1/messages/${id}`));
  expect(JSON.parse(shown.body)).toEqual({ name: "Hanako Yamada", city: "東京", pin: "M7", kind: "plain" });
  expect(shown.failures).toMatchObject([{ message: "no Hanako Yamada is known", stack: expect.any(String) }]);
  const [blind] = await viewMessages(engine, sql, await readMessages(sql, [id]), { payloads: false });
  expect(blind).toMatchObject({
    body: "***",
    consumptions: [{ errorCode: "failed", errorMessage: "***" }],
    failures: [{ code: "failed", message: "***", stack: null }],
  });
});
