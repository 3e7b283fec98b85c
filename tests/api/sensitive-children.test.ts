import { afterAll, beforeAll, expect, test } from "bun:test";

import type { Api } from "../../engine/api/api-env.ts";
import { viewMessages } from "../../engine/api/message-view.ts";
import type { Engine } from "../../engine/api/port.ts";
import { viewSagas } from "../../engine/api/saga-view.ts";
import { createApi } from "../../engine/api/server.ts";
import { viewEvents } from "../../engine/api/stream/event-view.ts";
import { newId } from "../../engine/timeline/ids.ts";
import { readMessages } from "../../engine/timeline/read-messages.ts";
import { readSagasById } from "../../engine/timeline/read-sagas.ts";
import { type ApiDatabase, apiDatabase } from "./api-database.ts";
import { keptLog, readingEngine } from "./reading-engine.ts";
import { insertMessage, insertSaga } from "./saga-rows.ts";

const SENSITIVE: Readonly<Record<string, readonly string[]>> = {
  kid: ["input.name"],
  baby: ["input.pin"],
  guarded: ["input.city"],
};

let database: ApiDatabase;
let app: Api;
let engine: Engine;

beforeAll(async () => {
  database = await apiDatabase();
  engine = readingEngine({
    sensitive: (definition) => Promise.resolve(SENSITIVE[definition] ?? []),
    hasChildren: (definition) => Promise.resolve(definition !== "childless"),
  });
  app = createApi({ engine, sql: database.sql, log: keptLog() });
}, 60_000);
afterAll(() => database?.end());

const get = async (path: string) => JSON.parse(await (await app.request(path)).text());

/** A failed saga and the failed child of which it says the same. */
async function family(definition: string, message: string, child = "kid"): Promise<string> {
  const error = { code: "rejected", message, step: "raise" };
  const input = { name: "Hanako Yamada", city: "Kyoto" };
  const sagaId = await insertSaga(database.sql, { definition, status: "failed", input, error });
  const parent = { sagaId, step: "raise" };
  await insertSaga(database.sql, {
    definition: child,
    status: "failed",
    input: { name: "Hanako Yamada" },
    error: { ...error, step: "greet" },
    parent,
  });
  return sagaId;
}

test("what a child saga says of its failure is shown by its parent as the child shows it", async () => {
  const { sql } = database;
  const message = "no mail to Hanako Yamada of Kyoto";
  const parent = await family("parent", message);
  await insertMessage(sql, { sagaId: parent, type: "child.ended", body: { path: "raise", message, code: "rejected" } });
  const command = { sagaId: parent, type: "step.requested", step: "tell" };
  await insertMessage(sql, { ...command, body: { input: { why: `sorry: ${message}`, name: "Hanako Yamada" } } });

  const shown = await get(`/v1/sagas/${parent}`);
  expect(shown.error.message).toBe("no mail to *** of Kyoto");
  // What the parent knows by itself is its own affair.
  expect(shown.input).toEqual({ name: "Hanako Yamada", city: "Kyoto" });
  const { items } = await get(`/v1/sagas/${parent}/timeline`);
  expect(items.map(({ body }: { body: unknown }) => body)).toEqual([
    { path: "raise", message: "no mail to *** of Kyoto", code: "rejected" },
    { input: { why: "sorry: no mail to *** of Kyoto", name: "Hanako Yamada" } },
  ]);
  const listed = await get("/v1/sagas?definition=parent");
  expect(listed.items.map((item: { error: { message: string } }) => item.error.message)).toEqual([
    "no mail to *** of Kyoto",
  ]);
  // Two children said the same, and each hides another part of it.
  const torn = await family("parent", message);
  await insertSaga(database.sql, {
    definition: "guarded",
    status: "failed",
    input: { city: "Kyoto" },
    error: { code: "rejected", message, step: "greet" },
    parent: { sagaId: torn, step: "raise" },
  });
  expect((await get(`/v1/sagas/${torn}`)).error.message).toBe("***");
  // Both definitions count.
  expect((await get(`/v1/sagas/${await family("guarded", message)}`)).error.message).toBe("no mail to *** of ***");
});

test("so it is over several generations, the longest text first, and in the stream", async () => {
  const { sql } = database;
  const message = "no Hanako Yamada with 4711-0815";
  const parent = await family("parent", "no Hanako Yamada");
  const parentOf = (sagaId: string) => ({ parent: { sagaId, step: "raise" } });
  const error = { code: "rejected", message, step: "raise" };
  const kid = { definition: "kid", status: "failed", input: { name: "Hanako Yamada" }, error };
  const middle = await insertSaga(sql, { ...kid, ...parentOf(parent) });
  await insertSaga(sql, {
    definition: "baby",
    status: "failed",
    input: { pin: "4711-0815" },
    error,
    ...parentOf(middle),
  });
  await sql`update timeline.saga set error = ${sql.json(error)} where id = ${parent}`;

  for (const id of [parent, middle]) {
    expect((await get(`/v1/sagas/${id}`)).error.message).toBe("no *** with ***");
  }
  const row = {
    message_id: "m",
    correlation_id: parent,
    status: "failed",
    definition: "parent",
    message_type: "child.ended",
  };
  const place = { step_key: null, action: null, attempt: null, sequence: 1, at: new Date(), xid: "1" };
  const told = { ...row, ...place, error_code: "rejected", error_message: message } as never;
  expect((await viewEvents(engine, sql, [told])).map((event) => event.error?.message)).toEqual(["no *** with ***"]);
});

test("readers without the right to read payloads see nothing of the child's in it", async () => {
  const { sql } = database;
  const parent = await family("childless_not", "no mail to Hanako Yamada at noon", "plain");
  await sql`update timeline.saga set input = '{}' where id = ${parent}`;
  const rows = await readSagasById(sql, [parent], 1);
  const [blind] = await viewSagas(engine, sql, rows, { payloads: false, definitions: null });
  expect(blind?.error?.message).toBe("***");
  const id = await insertMessage(sql, { sagaId: parent, type: "child.ended", body: { message: "Hanako" } });
  const [message] = await viewMessages(engine, sql, await readMessages(sql, [id]), { payloads: false });
  expect(message?.body).toBe("***");
  // Who may read them does, where nothing is declared.
  expect((await get(`/v1/sagas/${parent}`)).error.message).toBe("no mail to Hanako Yamada at noon");
});

test("the request for a child hides its input at its places, and all of it while there is no such child", async () => {
  const { sql } = database;
  const requested = (sagaId: string, definition: string) => {
    const input = { name: true, city: "Kyoto" };
    const body = { definition, input, parent: { sagaId: newId(), path: "raise" } };
    return insertMessage(sql, { sagaId, type: "child.requested", body });
  };
  const shown = async (id: string) => {
    const [one, list] = [await get(`/v1/messages/${id}`), await get("/v1/messages?limit=1")];
    expect(list.items).toEqual([one]);
    return one.body.input ?? one.body;
  };
  await sql`truncate timeline.definition_revision cascade`;
  for (const name of ["kid", "plain"]) {
    const source = name === "kid" ? "sensitive: [input.name]" : "steps: []";
    await sql`insert into timeline.definition_revision (name, revision, version, source) values (${name}, ${"a".repeat(64)}, 1, ${source})`;
  }
  const born = await insertSaga(sql, { definition: "kid", input: { name: true, city: "Kyoto" } });
  expect(await shown(await requested(born, "kid"))).toEqual({ name: "***", city: "Kyoto" });
  // Refused, or not born yet: no row says whose values these are.
  expect(await shown(await requested(newId(), "kid"))).toBe("***");
  expect(await shown(await requested(newId(), "never_seen"))).toBe("***");
  expect(await shown(await requested(newId(), "plain"))).toEqual({ name: true, city: "Kyoto" });
});

test("a definition without child sagas is looked up none", async () => {
  const parent = await family("childless", "no mail to Hanako Yamada");
  expect((await get(`/v1/sagas/${parent}`)).error.message).toBe("no mail to Hanako Yamada");
});
