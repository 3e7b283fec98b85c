import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { rm } from "node:fs/promises";
import { join } from "node:path";

import { createEvaluator } from "../../engine/definition/expression.ts";
import { loadDefinition } from "../../engine/definition/load.ts";
import { Schedules } from "../../engine/dispatcher/schedules.ts";
import { Refusal } from "../../engine/core/refusal.ts";
import { createLog } from "../../engine/telemetry/log.ts";
import type { Sql } from "../../engine/timeline/database.ts";
import { ekiden } from "../cli/run-cli.ts";
import { Client } from "../support/client.ts";
import { type EditableDomains, editableLab } from "../support/editable-domains.ts";
import { eventually, LAB, type TestEngine, testEngine } from "../support/engine.ts";
import { writeRequest } from "../support/kafka.ts";

const REASON = "sold to another bank";
const SAGAS = ["waiting", "kid", "family"] as const;
let domains: EditableDomains;
let lab: TestEngine;
const client = new Client(() => lab.url);

const heard = (version: number) => `saga: heard
version: ${version}
input:
  note: string(1..40)
start:
  topic: orders.placed
  input: { note: "\${ event.note }" }
steps:
  - step: only
    command: lab.one
    with: \${ input }
    compensate: lab.undo
`;

beforeAll(async () => {
  domains = await editableLab();
  for (const name of SAGAS) await domains.write(name, await Bun.file(join(LAB, `${name}.saga.yaml`)).text());
  await domains.write("heard", heard(1));
  lab = await testEngine("embedded", { domains: domains.path });
}, 60_000);
afterEach(async () => {
  for (const name of [...SAGAS, "heard"]) await restore(name);
});
afterAll(async () => {
  await lab?.close();
  await domains?.remove();
}, 60_000);

const retire = (name: string, headers = {}) =>
  client.call("POST", `/v1/definitions/${name}/retire`, { reason: REASON }, headers);
const restore = (name: string, headers = {}) =>
  client.call("POST", `/v1/definitions/${name}/restore`, { reason: "bought back" }, headers);
const start = (name: string, input: unknown, headers = {}) =>
  client.call("POST", `/v1/sagas/${name}`, input, headers) as Promise<{ status: number; json: Answer }>;
const waiting = (note: string) => ({ note, patience: "long" });
const command = (...args: readonly string[]) => ekiden(args, { EKIDEN_URL: lab.url });

interface Answer {
  readonly code?: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly sagaId: string;
}

test("a retired definition starts no saga, says by whom and why and what to do; restored it starts them again", async () => {
  const retired = { since: expect.any(String), by: "local", reason: REASON };
  expect(await retire("waiting")).toMatchObject({
    status: 200,
    json: { name: "waiting", version: 1, retired } as never,
  });
  expect(await client.ok("GET", "/v1/definitions/waiting")).toMatchObject({ retired } as never);
  const refused = await start("waiting", waiting("refused"));

  expect(refused.status).toBe(409);
  expect(refused.json).toMatchObject({
    code: "definition.retired",
    detail: expect.stringMatching(/^definition "waiting" was retired at \S+ by local: sold to another bank$/),
    hint: expect.stringContaining("ekiden definitions restore waiting --reason"),
  });
  expect(await lab.sql`select id from timeline.saga where input->>'note' = 'refused'`).toHaveLength(0);

  expect(await restore("waiting")).toMatchObject({ status: 200, json: { retired: null } as never });
  expect((await start("waiting", waiting("again"))).status).toBe(201);
  const audit = await lab.sql`
    select actor, action, reason, before, after from timeline.audit where target = 'waiting' and before <> after order by id
  `;
  expect([...audit]).toEqual([
    {
      actor: "local",
      action: "definition.retire",
      reason: REASON,
      before: { retired: false },
      after: { retired: true },
    },
    {
      actor: "local",
      action: "definition.restore",
      reason: "bought back",
      before: { retired: true },
      after: { retired: false },
    },
  ]);
}, 60_000);

test("a saga that runs goes on to its end, and the call that started it finds it again under its key", async () => {
  const once = { "idempotency-key": "before it was retired" };
  const { json } = await start("waiting", waiting("running"), once);
  await retire("waiting");

  expect(await start("waiting", waiting("running"), once)).toMatchObject({
    status: 200,
    json: { sagaId: json.sagaId },
  });
  await client.ok("POST", `/v1/sagas/${json.sagaId}/signals/decided`, { ok: true });
  expect((await client.settled(json.sagaId)).status).toBe("completed");
}, 60_000);

test("a saga starts its children of a retired definition: only what nobody waits for is refused", async () => {
  await retire("kid");

  expect((await start("kid", { note: "alone" })).json.code).toBe("definition.retired");
  const saga = await client.start("family", { note: "with a kid", child: "kid" }, "?wait=30s");
  expect(saga).toMatchObject({ status: "completed", output: { kid: "two of with a kid of the kid" } });
}, 60_000);

test("a verb under one Idempotency-Key is done once; what does not exist or has no reason is refused", async () => {
  const once = { "idempotency-key": "retire once" };
  await retire("waiting", once);
  await restore("waiting");
  // The same call, sent again late: it has been carried out, and does not undo what was done since.
  expect(await retire("waiting", once)).toMatchObject({ status: 200 });
  expect(await client.ok("GET", "/v1/definitions/waiting")).toMatchObject({ retired: null } as never);
  const other = await client.call("POST", "/v1/definitions/waiting/retire", { reason: "another" }, once);
  expect(other).toMatchObject({ status: 422, json: { code: "saga.idempotency-mismatch" } as never });
  expect(await retire("nobody")).toMatchObject({ status: 404, json: { code: "saga.unknown-definition" } as never });
  const silent = await client.call("POST", "/v1/definitions/waiting/retire", { reason: " " });
  expect(silent).toMatchObject({ status: 422, json: { code: "request.body-invalid" } as never });
}, 60_000);

test("a verb under an earlier call's Idempotency-Key answers as that call did, whatever came in between", async () => {
  const [once, back] = [{ "idempotency-key": "retire, then restore" }, { "idempotency-key": "restore again" }];
  const retired = await retire("kid", once);
  const restored = await restore("kid", back);
  expect([retired.json, restored.json]).toMatchObject([{ retired: { reason: REASON } }, { retired: null }] as never);
  expect(await retire("kid", once)).toEqual(retired);
  expect(await client.ok("GET", "/v1/definitions/kid")).toMatchObject({ retired: null } as never);
  await retire("kid");
  expect(await restore("kid", back)).toEqual(restored);
  // An engine of an earlier version kept less than its answer: such a key is told how things stand.
  await lab.sql`update timeline.start_key set response = '{"retired": false}' where idempotency_key = 'restore again'`;
  expect(await restore("kid", back)).toMatchObject({ status: 200, json: { name: "kid", retired: {} } as never });
}, 60_000);

test("a message of its start topic is kept as failed, those behind it are read, and a rewind starts it once restored", async () => {
  const tell = (note: string) =>
    writeRequest(lab.sql, { key: note, topic: "orders.placed", type: "placed", body: { note } });
  const record = async (note: string) => {
    const rows = await lab.sql<{ code: string | null; saga: string | null }[]>`
      select error_code as code, correlation_id as saga from timeline.event_consumption
      where consumer_group = 'start.heard' and message_key = ${note}
    `;
    return rows[0];
  };
  await eventually(
    "the topic is read",
    async () => (await client.call("GET", "/v1/consumer-groups/start.heard")).status === 200,
  );
  await retire("heard");
  await tell("first");
  await tell("second");
  await eventually("both are read", async () => (await record("first")) && (await record("second")));
  expect([await record("first"), await record("second")]).toEqual([
    { code: "definition.retired", saga: null },
    { code: "definition.retired", saga: null },
  ]);

  await restore("heard");
  await client.ok("POST", "/v1/consumer-groups/start.heard/rewind", { firstError: true, reason: "restored" });
  const sagas = await eventually("both are started", async () => {
    const [first, second] = [await record("first"), await record("second")];
    return first?.saga && second?.saga ? [first.saga, second.saga] : undefined;
  });
  for (const saga of sagas) expect((await client.settled(saga)).status).toBe("completed");
}, 60_000);

test("a planned time is skipped, which is no error, and is not made up for", async () => {
  const source = await Bun.file(`${LAB}/waiting.saga.yaml`).text();
  const schedule = JSON.stringify({ cron: "* * * * *", overlap: "allow", input: waiting("planned") });
  const { definition } = loadDefinition(`${source}\nschedule: ${schedule}\n`, { catalog: null, checks: false });
  if (definition === null) throw new Error("the scheduled definition does not load");
  const lines: string[] = [];
  const schedules = new Schedules({
    sql: lab.sql as unknown as Sql,
    definitions: () => new Map([["waiting", definition]]),
    start: async ({ input }) => {
      const { json } = await start("waiting", input);
      if (json.code !== undefined) throw new Refusal(json.code as "definition.retired", json.detail ?? "", "");
      return { sagaId: json.sagaId, created: true };
    },
    evaluator: createEvaluator(),
    log: createLog("json", (line) => lines.push(line)),
  });
  await lab.sql`update timeline.definition set scheduled_since = clock_timestamp() - interval '1 minute' where name = 'waiting'`;
  await retire("waiting");
  await schedules.look();
  await restore("waiting");
  await schedules.look();

  const runs = await lab.sql`select status, reason from timeline.schedule_run where definition = 'waiting'`;
  expect([...runs]).toEqual([{ status: "skipped", reason: "the definition is retired" }]);
  expect(lines).toEqual([]);
}, 60_000);

test("it stays retired when its file is edited, which log and doctor say, and when its file is gone", async () => {
  await retire("heard");
  await domains.write("heard", heard(2));
  const detail = () =>
    client.ok("GET", "/v1/definitions/heard") as Promise<{ version: number; file: string | null; retired: unknown }>;
  await eventually("version 2 is current", async () => (await detail()).version === 2);

  expect((await detail()).retired).toMatchObject({ reason: REASON });
  expect(lab.log.filter((line) => line.includes("saga heard was retired at "))).toHaveLength(1);
  const { findings } = (await client.ok("GET", "/v1/doctor")) as {
    findings: { check: string; level: string; detail: string }[];
  };
  expect(findings.filter(({ check }) => check === "retired")).toMatchObject([
    { level: "warn", detail: expect.stringContaining("heard.saga.yaml is still there, and starts nothing") },
  ]);
  expect((await start("heard", { note: "edited" })).json.code).toBe("definition.retired");

  await rm(join(domains.path, "heard.saga.yaml"));
  await eventually("the file is gone", async () => (await detail()).file === null);
  expect(lab.log.some((line) => line.includes("ekiden definitions retire heard --reason"))).toBe(true);
  expect((await start("heard", { note: "gone" })).json.code).toBe("definition.retired");
}, 60_000);

test("the command line lists definitions, retires and restores them", async () => {
  const retired = await command("definitions", "retire", "kid", "--reason", REASON);
  const list = await command("definitions");
  const refused = await command("start", "kid", "--input", "package.json");
  const restored = await command("definitions", "restore", "kid", "--reason", "bought back", "--json");

  expect([retired.code, retired.out]).toEqual([
    0,
    expect.stringMatching(/^kid +1 +\S*kid\.saga\.yaml +\S+ \S+ by local: sold to another bank$/m),
  ]);
  expect(list.out).toMatch(/^DEFINITION +VERSION +OPEN +FILE +RETIRED$/m);
  expect(list.out).toMatch(/^family +1 +0 +\S*family\.saga\.yaml +-$/m);
  expect(list.out).toMatch(/^kid +1 +0 +\S*kid\.saga\.yaml +\S+ \S+ by local: sold to another bank$/m);
  expect(list.out).toMatch(/^heard +2 +0 +no file/m);
  expect(refused.code).toBe(1);
  expect(refused.err).toContain("fix: Nothing was started.");
  expect(JSON.parse(restored.out)).toMatchObject({ name: "kid", retired: null });
}, 60_000);
