import { afterAll, beforeAll, expect, test } from "bun:test";

import { newId } from "../../../engine/timeline/ids.ts";
import { insertConsumption, insertMessage, insertSaga } from "../saga-rows.ts";
import { AccessBench } from "./access-bench.ts";

let bench: AccessBench;
let blind: string;
let seeing: string;

beforeAll(async () => {
  bench = await AccessBench.open();
  await bench.key({ name: "root", role: "admin", payloads: true });
  blind = await bench.key({ name: "blind", role: "viewer", definitions: ["onboarding"] });
  seeing = await bench.key({ name: "seeing", role: "viewer", definitions: ["onboarding"], payloads: true });
}, 60_000);
afterAll(() => bench?.end());

test("readers without the right to read payloads are told codes, not what a handler said of them", async () => {
  const { sql } = bench.database;
  // Only the command carries the address, and not as the handler writes it.
  const error = { code: "unusable", message: "no mail to HANAKO@EXAMPLE.ORG", step: "mail" };
  const id = await insertSaga(sql, { status: "parked", error, state: { parked: error } });
  await sql`
    insert into timeline.saga_step (saga_id, path, status, error) values
    (${id}, 'mail', 'parked', ${sql.json(error)}), (${id}, 'pay', 'retrying', ${sql.json(error)})
  `;
  await sql`insert into timeline.timer (saga_id, name, due_at) values (${id}, 'retry:pay', now())`;
  const paths = [`/v1/sagas/${id}`, `/v1/sagas/${id}/steps`, "/v1/sagas", "/v1/retrying"];
  const answers = (key: string) => Promise.all(paths.map(async (path) => (await bench.call(key, "GET", path)).text));

  const [one = "", steps = "", ...lists] = await answers(blind);
  const shown = { code: "unusable", message: "***", step: "mail" };
  expect(JSON.parse(one)).toMatchObject({ error: shown, steps: [{ error: shown }, { error: shown }] });
  expect(JSON.parse(steps)).toMatchObject({ items: [{ error: shown }, { error: shown }] });
  for (const text of [one, steps, ...lists]) {
    expect(text).toContain("unusable");
    expect(text).not.toContain("HANAKO");
  }
  for (const text of await answers(seeing)) expect(text).toContain("HANAKO");
});

test("nor are they in messages: not of a saga, nor of another program", async () => {
  const { sql } = bench.database;
  const id = await insertSaga(sql, { input: { amount: 1234567 } });
  const messageId = await insertMessage(sql, { sagaId: id, type: "step.requested", step: "mail" });
  await insertConsumption(sql, { group: "mail", messageId, sagaId: id, error: "no mail to HANAKO for 1,234,567" });
  const foreign = newId();
  await insertConsumption(sql, { group: "mail", messageId: foreign, error: "no mail to HANAKO", body: "hanako" });
  const key = await bench.key({ name: "anywhere", role: "viewer" });
  const shown = {
    consumptions: [{ errorCode: "failed", errorMessage: "***" }],
    failures: [{ code: "failed", message: "***", stack: null }],
  };
  const get = async (path: string) => JSON.parse((await bench.call(key, "GET", path)).text);
  const pages = [
    `/v1/sagas/${id}/timeline`,
    `/v1/sagas/${id}/timeline?bodies=false`,
    `/v1/messages?saga=${id}`,
    `/v1/messages?saga=${id}&bodies=false`,
  ];
  for (const path of pages) expect((await get(path)).items).toMatchObject([shown]);
  expect((await get("/v1/messages?group=mail&error=true")).items).toMatchObject([shown, shown]);
  expect(await get(`/v1/messages/${messageId}`)).toMatchObject(shown);
  expect(await get(`/v1/messages/${foreign}`)).toMatchObject(shown);
  expect((await bench.call(seeing, "GET", `/v1/messages/${messageId}`)).text).toContain("for 1,234,567");
});

test("a key for one definition is not told which saga of another one its saga waits for", async () => {
  const { sql } = bench.database;
  const id = await insertSaga(sql);
  const child = await insertSaga(sql, { definition: "loan", status: "parked", parent: { sagaId: id, step: "borrow" } });
  const waiting = async (key: string) => {
    const [one, list] = await Promise.all([
      bench.call(key, "GET", `/v1/sagas/${id}`),
      bench.call(key, "GET", "/v1/sagas?limit=1&definition=onboarding"),
    ]);
    return [JSON.parse(one.text).waiting, JSON.parse(list.text).items[0].waiting];
  };
  const both = await bench.key({ name: "both", role: "viewer", definitions: ["onboarding", "loan"], payloads: true });
  // At the same time: reads of one kind share their queries.
  const [told, all] = await Promise.all([waiting(seeing), waiting(both)]);
  const known = { kind: "child", step: "borrow", since: expect.any(String), until: null };
  expect(told).toEqual([known, known]);
  const whole = { ...known, child: { sagaId: child, status: "parked" } };
  expect(all).toEqual([whole, whole]);
});
