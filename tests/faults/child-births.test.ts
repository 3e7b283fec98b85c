import { afterAll, beforeAll, expect, test } from "bun:test";
import { Client } from "../support/client.ts";
import { type EditableDomains, editableLab } from "../support/editable-domains.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";

const KEPT = `saga: kept
version: 1
input: { note: string }
key: \${ input.note }
steps:
  - step: word
    wait: said
    returns: { ok: boolean }
`;
const ASKING = `saga: asking
version: 1
input: { note: string }
steps:
  - step: child
    saga: kept
    with: \${ input }
`;

let domains: EditableDomains;
let lab: TestEngine;
const client = new Client(() => lab.url);

beforeAll(async () => {
  domains = await editableLab();
  await domains.write("kept", KEPT);
  await domains.write("asking", ASKING);
  lab = await testEngine("embedded", { domains: domains.path });
}, 120_000);
afterAll(async () => {
  await lab?.close();
  await domains?.remove();
}, 60_000);

const pause = () => client.ok("POST", "/v1/consumer-groups/dispatcher/pause", { reason: "test" });
const resume = () => client.ok("POST", "/v1/consumer-groups/dispatcher/resume", { reason: "test" });
const errors = async () => [
  ...(await lab.sql`
    select error_code from timeline.event_consumption where consumer_group = 'dispatcher' and error_flag
  `),
];

test("a child whose business key is taken fails its parent's step, and says why", async () => {
  await client.start("kept", { note: "taken" });
  const saga = await client.start("asking", { note: "taken" }, "?wait=30s");

  expect(saga).toMatchObject({ status: "failed", error: { code: "saga.key-open", step: "child" } });
  expect(await errors()).toEqual([]);
}, 60_000);

test("a cancel that is on its way to a child that could not be born is no error", async () => {
  await client.start("kept", { note: "in use" });
  await pause();
  const { sagaId } = await client.start("asking", { note: "in use" });
  await client.ok("POST", `/v1/sagas/${sagaId}/cancel`, { reason: "changed my mind" });
  await resume();

  expect((await client.settled(sagaId)).status).toBe("cancelled");
  await eventually("nothing lags", async () => {
    const { lag } = (await client.ok("GET", "/v1/consumer-groups/dispatcher")) as { lag: number };
    return lag === 0;
  });
  expect(await errors()).toEqual([]);
}, 60_000);

test("of two children with one business key in one batch the first is born", async () => {
  await pause();
  const both = await Promise.all([
    client.start("asking", { note: "twins" }),
    client.start("asking", { note: "twins" }),
  ]);
  await resume();
  const ended = await eventually("one parent has failed", async () => {
    const sagas = await Promise.all(both.map(({ sagaId }) => client.saga(sagaId)));
    return sagas.find(({ status }) => status === "failed");
  });

  expect(ended.error?.code).toBe("saga.key-open");
  const children = await lab.sql`select parent_id from timeline.saga where definition = 'kept' and key = 'twins'`;
  expect(children.map((row) => row["parent_id"])).toEqual(
    both.map(({ sagaId }) => sagaId).filter((sagaId) => sagaId !== ended.sagaId),
  );
}, 60_000);
