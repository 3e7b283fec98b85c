import { afterAll, beforeAll, expect, test } from "bun:test";

import type { Api } from "../../engine/api/api-env.ts";
import { createApi } from "../../engine/api/server.ts";
import type { JsonObject } from "../../engine/core/json.ts";
import { type ApiDatabase, apiDatabase } from "./api-database.ts";
import { keptLog, readingEngine } from "./reading-engine.ts";
import { insertConsumption, insertMessage, insertSaga } from "./saga-rows.ts";

/** What is said of a command that a person wrote: nobody knows which part of what was written is sensitive. */
let database: ApiDatabase;
let app: Api;

beforeAll(async () => {
  database = await apiDatabase();
  const sensitive = (definition: string) => Promise.resolve(definition === "open" ? [] : ["input.name"]);
  const hasChildren = (definition: string) => Promise.resolve(definition.startsWith("parent"));
  app = createApi({ engine: readingEngine({ sensitive, hasChildren }), sql: database.sql, log: keptLog() });
}, 60_000);
afterAll(() => database?.end());

const get = async (path: string) => JSON.parse(await (await app.request(path)).text());

const SAID = "no mail to Hanako Suzuki";
const ERROR = { code: "unusable", message: SAID, step: "mail" };

/** A saga that has failed at a step, of which a person has edited the command. Returns its id and that of the command. */
async function failed(definition: string, edited: boolean, parent?: { sagaId: string; step: string }) {
  const { sql } = database;
  const sagaId = await insertSaga(sql, {
    definition,
    status: "failed",
    input: { name: "Hanako Yamada" },
    error: ERROR,
    ...(parent === undefined ? {} : { parent }),
  });
  await sql`insert into timeline.saga_step (saga_id, path, status, error) values (${sagaId}, 'mail', 'rejected', ${sql.json(ERROR)})`;
  const headers = edited ? { headers: { supersedes: "01K" } } : {};
  const body = { input: { to: "Hanako Suzuki" } };
  return {
    sagaId,
    command: await insertMessage(sql, { sagaId, type: "step.requested", step: "mail", ...headers, body }),
  };
}

/** What messages show, each way to read them. */
async function readings(sagaId: string, command: string) {
  const pages = [
    await get(`/v1/sagas/${sagaId}/timeline`),
    await get(`/v1/messages?saga=${sagaId}`),
    await get(`/v1/sagas/${sagaId}/timeline?bodies=false`),
    await get("/v1/messages?group=mail&error=true"),
  ];
  const items = [...pages.flatMap((page) => page.items), await get(`/v1/messages/${command}`)];
  return items.filter((item) => item.sagaId === sagaId);
}

test("messages do not show what is said of it: not in the words of a failure, nor in an answer or an event that quotes it", async () => {
  const { sql } = database;
  const shown = async (definition: string, edited: boolean) => {
    const { sagaId, command } = await failed(definition, edited);
    await insertConsumption(sql, { group: "mail", messageId: command, sagaId, error: "Hanako Suzuki has moved" });
    const earlier = "Suzuki is unknown";
    const tell = async (type: string, body: JsonObject, step?: string) => {
      await insertMessage(sql, { sagaId, type, body, ...(step === undefined ? {} : { step }) });
    };
    await tell("step.failed", { code: "down", message: earlier }, "mail");
    await tell("saga.parked", { error: { code: "down", message: earlier, step: "mail" } }, "mail");
    await tell("saga.compensating", { error: ERROR });
    // Of another step, with the words of this one in it.
    await tell("step.requested", { input: { why: `sorry: ${SAID}` } }, "tell");
    await sql`update timeline.saga set uncompensated = ${sql.json([{ step: "mail", reason: `left: ${SAID}` }])} where id = ${sagaId}`;
    const saga = await get(`/v1/sagas/${sagaId}`);
    return JSON.stringify([...(await readings(sagaId, command)), saga]);
  };
  const hidden = await shown("onboarding", true);
  expect(hidden).not.toContain("Suzuki");
  expect(hidden).toContain('"why":"sorry: ***"');
  expect(hidden).toContain('"code":"down"');
  for (const text of [await shown("onboarding", false), await shown("open", true)]) {
    for (const words of ["has moved", "is unknown", `sorry: ${SAID}`, `left: ${SAID}`]) expect(text).toContain(words);
  }
});

test("the parent of a saga that failed at it does not show it either, over several generations and however it passes it on", async () => {
  const { sql } = database;
  const shown = async (definition: string, edited: boolean) => {
    const error = { code: "rejected", message: SAID, step: "raise" };
    const status = "failed";
    const parent = await insertSaga(sql, { definition: "parent", status, error });
    const middle = await insertSaga(sql, {
      definition: "parent_too",
      status,
      error,
      parent: { sagaId: parent, step: "raise" },
    });
    await failed(definition, edited, { sagaId: middle, step: "raise" });
    const said = { path: "raise", code: "rejected", message: SAID };
    const ended = await insertMessage(sql, { sagaId: parent, type: "child.ended", body: said });
    await insertMessage(sql, {
      sagaId: parent,
      type: "step.requested",
      step: "tell",
      body: { input: { why: `sorry: ${SAID}` } },
    });
    const sagas = [await get(`/v1/sagas/${parent}`), await get(`/v1/sagas/${middle}`)];
    return JSON.stringify([...sagas, ...(await readings(parent, ended))]);
  };
  const hidden = await shown("onboarding", true);
  expect(hidden).not.toContain("Suzuki");
  expect(hidden).toContain('"why":"sorry: ***"');
  for (const text of [await shown("onboarding", false), await shown("open", true)]) {
    expect(text).toContain(`"message":"${SAID}"`);
  }
  // The item that failed is not the one that was edited: the child tells of neither, and so does its parent.
  const { sagaId: child } = await failed("onboarding", false);
  const parent = await insertSaga(sql, { definition: "parent", status: "failed", error: { ...ERROR, step: "raise" } });
  const error = { ...ERROR, step: "all[4]/mail" };
  await sql`update timeline.saga set error = ${sql.json(error)}, parent_id = ${parent}, parent_path = 'raise' where id = ${child}`;
  const edited = { sagaId: child, type: "step.requested", headers: { supersedes: "01K" } };
  await insertMessage(sql, { ...edited, step: "all[3]/mail", body: { input: {} } });
  const messages = [child, parent].map(async (id) => (await get(`/v1/sagas/${id}`)).error.message);
  expect(await Promise.all(messages)).toEqual(["***", "***"]);
});
