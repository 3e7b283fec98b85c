import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join, resolve } from "node:path";
import postgres from "postgres";
import { Client } from "../support/client.ts";
import { eventually, TRANSPORTS } from "../support/engine.ts";
import { type EngineProcess, startProcess } from "../support/engine-process.ts";
import { OutsideServer } from "../support/outside-server.ts";
import { type FreshDatabase, freshDatabase, testPostgres } from "../support/postgres.ts";
import { testStack } from "../support/stack.ts";

const ROOT = resolve(import.meta.dir, "../..");

describe.each([...TRANSPORTS])("an engine that is killed during external calls on the %s transport", (kind) => {
  let database: FreshDatabase;
  let engine: EngineProcess;
  let outside: OutsideServer;
  let sql: postgres.Sql;
  let environment: Record<string, string>;
  const client = new Client(() => engine.url);

  beforeAll(async () => {
    const stack = kind === "kafka" ? await testStack() : null;
    database = await freshDatabase(stack?.postgres ?? (await testPostgres()));
    sql = postgres(database.url, { max: 2, onnotice: () => {} });
    outside = new OutsideServer();
    environment = {
      DATABASE_URL: database.url,
      EKIDEN_DOMAINS: join(import.meta.dir, "../support/rough"),
      ...(stack === null
        ? {}
        : {
            KAFKA_BROKERS: stack.brokers,
            KAFKA_CONNECT_URL: stack.connectUrl,
            KAFKA_PARTITIONS: "1",
            EKIDEN_PREFIX: `x${crypto.randomUUID().slice(0, 8)}.`,
          }),
    };
    engine = await startProcess(ROOT, environment);
  }, 120_000);
  afterAll(async () => {
    await engine?.end("SIGKILL");
    await outside?.close();
    await sql?.end({ timeout: 5 });
    const connector = environment["KAFKA_CONNECT_URL"];
    if (connector !== undefined)
      await fetch(`${connector}/connectors/${environment["EKIDEN_PREFIX"]}ekiden-outbox`, { method: "DELETE" });
    await database?.drop();
  }, 60_000);

  const keysOf = (sagaId: string) =>
    outside.requests.filter(({ key }) => key.startsWith(sagaId)).map(({ method, key }) => `${method} ${key}`);
  const guardOf = async (sagaId: string) =>
    (await sql`select state, calls from timeline.step_guard where step_key = ${`${sagaId}/called`}`)[0];

  test("asks once more by the same key when it is back: done once, whatever the first call came to", async () => {
    const killed = Promise.withResolvers<void>();
    outside.before = async ({ note, key }) => {
      const asked = outside.requests.filter((one) => one.key === key).length;
      if (!note.startsWith("cut") || asked > 1) return undefined;
      await killed.promise;
      return undefined;
    };
    const start = (note: string) => client.start("called", { url: outside.url, note });
    const cut = await Promise.all([start("cut a"), start("cut b"), start("cut c")]);
    await eventually("the calls are out", async () => outside.open === 3);
    const whole = await client.start("called", { url: outside.url, note: "whole" }, "?wait=20s");
    expect(whole.status).toBe("completed");

    await engine.end("SIGKILL");
    for (const { sagaId } of cut) expect(await guardOf(sagaId)).toEqual({ state: "started", calls: 1 });
    engine = await startProcess(ROOT, environment);
    for (const { sagaId } of cut) {
      expect((await client.settled(sagaId)).status).toBe("completed");
      expect(keysOf(sagaId)).toEqual(Array(2).fill(`POST ${sagaId}/called`));
      expect(await guardOf(sagaId)).toEqual({ state: "done", calls: 2 });
    }
    killed.resolve();

    expect(keysOf(whole.sagaId)).toHaveLength(1);
    expect([...outside.done.keys()].sort()).toEqual([...cut, whole].map(({ sagaId }) => `${sagaId}/called`).sort());
    const consumed = await sql`
      select attempts, error_flag, consumed_at is not null as ended from timeline.event_consumption
      where consumer_group = 'rough' and correlation_id = ${cut[0]?.sagaId as string}
    `;
    expect([...consumed]).toEqual([{ attempts: 2, error_flag: false, ended: true }]);
  }, 120_000);

  test("undoes by the key a call that it was killed in and that the saga then gave up", async () => {
    const killed = Promise.withResolvers<void>();
    outside.before = async ({ method }) => {
      if (method === "POST") await killed.promise;
      return undefined;
    };
    const { sagaId } = await client.start("impatient", { url: outside.url, note: "given up" });
    await eventually("the call is out", async () => keysOf(sagaId).length === 1);
    await engine.end("SIGKILL");
    engine = await startProcess(ROOT, environment);
    expect(await client.settled(sagaId)).toMatchObject({ status: "parked", error: { code: "timeout" } });
    await client.ok("POST", `/v1/sagas/${sagaId}/cancel`, { reason: "give up" });
    expect((await client.settled(sagaId)).status).toBe("cancelled");
    killed.resolve();

    expect(new Set(keysOf(sagaId))).toEqual(new Set([`POST ${sagaId}/called`, `DELETE ${sagaId}/called#compensate`]));
    expect(outside.voided.has(`${sagaId}/called`)).toBe(true);
    const open = await sql`
      select 1 from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'
    `;
    expect(open).toHaveLength(0);
  }, 120_000);
});
