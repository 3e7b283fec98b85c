import { afterAll, beforeAll, expect, test } from "bun:test";
import { realpath, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import postgres from "postgres";

import { type RunningPostgres, startEmbeddedPostgres } from "../../engine/stack/embedded-postgres.ts";
import { type RunningStack, startStack } from "../../engine/stack/start-stack.ts";
import { ekiden } from "../cli/run-cli.ts";
import { Client } from "../support/client.ts";
import { eventually, LAB } from "../support/engine.ts";
import { type EngineProcess, startProcess } from "../support/engine-process.ts";
import { freshDatabase } from "../support/postgres.ts";
import { testJava } from "../support/stack.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";

const root = resolve(import.meta.dir, "../..");
const timeoutMs = 300_000;

let home: TempHome;
let stack: RunningStack;
let server: RunningPostgres;
let data: string;
let databaseUrl: string;
let engine: EngineProcess | undefined;
let environment: Record<string, string>;
const client = new Client(() => engine?.url ?? "");

beforeAll(async () => {
  home = await tempHome();
  stack = await startStack({ home: home.path, java: testJava });
  server = stack.postgres;
  data = await realpath(join(home.path, "postgres"));
  databaseUrl = (await freshDatabase(server)).url;
  environment = {
    DATABASE_URL: databaseUrl,
    KAFKA_BROKERS: stack.brokers,
    KAFKA_CONNECT_URL: stack.connectUrl,
    KAFKA_PARTITIONS: "2",
    EKIDEN_PREFIX: "back-",
    EKIDEN_DOMAINS: LAB,
  };
  engine = await startProcess(root, environment);
}, timeoutMs);

afterAll(async () => {
  await engine?.end("SIGKILL");
  stack?.connect.kill("SIGKILL");
  await stack?.connect.stop();
  await stack?.kafka.stop();
  await server?.stop();
  await rm(`${data}.copy`, { recursive: true, force: true });
  await home?.remove();
}, timeoutMs);

async function query<R>(ask: (sql: postgres.Sql) => Promise<R>): Promise<R> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  try {
    return await ask(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function startServer(): Promise<void> {
  server = await startEmbeddedPostgres({ home: home.path, port: server.port });
}

/** As a backup of the data folder makes it, with the server stopped. */
async function copyData(): Promise<void> {
  await server.stop();
  await Bun.$`cp -a ${data} ${data}.copy`.quiet();
  await startServer();
}

/** The engine is killed, and the copy takes the place of what was written since. */
async function putCopyBack(): Promise<void> {
  await engine?.end("SIGKILL");
  await server.stop();
  await rm(data, { recursive: true });
  await rename(`${data}.copy`, data);
  await startServer();
}

async function waits(sagaId: string): Promise<void> {
  await eventually("the saga waits", async () => ((await client.saga(sagaId)).waitingFor ?? []).length > 0);
}

async function completed(sagaId: string): Promise<void> {
  await eventually("the saga ends", async () => (await client.settled(sagaId)).status === "completed", 90_000);
}

/** Sagas that the copy knows, two that wait and one whose command it has not consumed; then all end, and another one. */
async function copyAndRunOn() {
  const waiting = [];
  for (const note of ["a", "b"]) waiting.push(await client.start("waiting", { note, patience: "long" }));
  for (const { sagaId } of waiting) await waits(sagaId);
  // A command that the copy knows and has not consumed, and that is consumed before the copy is put back.
  await client.ok("POST", "/v1/consumer-groups/lab/pause", { reason: "to be consumed after the copy" });
  const before = await client.start("one_step", { note: "before" });
  await eventually("the command is in Kafka", async () => {
    return ((await client.ok("GET", "/v1/consumer-groups/lab")) as { lag: number }).lag === 1;
  });
  await engine?.end("SIGTERM");
  await copyData();

  engine = await startProcess(root, environment);
  await client.ok("POST", "/v1/consumer-groups/lab/resume", { reason: "go on" });
  await completed(before.sagaId);
  for (const { sagaId } of waiting) {
    await client.ok("POST", `/v1/sagas/${sagaId}/signals/decided`, { ok: true });
    await completed(sagaId);
  }
  const forgotten = await client.start("three", { note: "forgotten" });
  await completed(forgotten.sagaId);
  return { waiting, before, forgotten };
}

test(
  "a database that was put back is noticed, and after the recovery its sagas go on from where it says they are, the others are unknown",
  async () => {
    const { waiting, before, forgotten } = await copyAndRunOn();
    await putCopyBack();
    engine = await startProcess(root, environment);
    const part = await eventually(
      "the health is red",
      async () => {
        const { json } = await client.call("GET", "/health/ready");
        return (json as { parts: { part: string; ok: boolean; detail: string }[] }).parts.find(
          (one) => one.part === "history",
        );
      },
      60_000,
    );
    expect(part).toMatchObject({ ok: false, detail: expect.stringContaining("was restored to an earlier point") });
    const preview = await ekiden(["recover", "--preview", "--json"], environment);
    expect(preview).toMatchObject({ code: 0 });
    const plan = JSON.parse(preview.out) as { need: object; future: { topic: string; messages: number }[] };
    expect(plan.need).toMatchObject({ code: "database.restored" });
    expect(plan.future.map(({ topic }) => topic)).toContain("timeline");

    const startedAt = performance.now();
    const done = await ekiden(["recover", "--reason", "a copy was put back"], environment);
    expect(done).toMatchObject({ code: 0, out: expect.stringContaining("Recovered in") });
    await client.ok("POST", "/v1/consumer-groups/lab/resume", { reason: "the copy knows it as paused by a person" });
    await completed(before.sagaId);
    expect((await client.call("GET", `/v1/sagas/${forgotten.sagaId}`)).status).toBe(404);
    for (const { sagaId } of waiting) {
      await waits(sagaId);
      await client.ok("POST", `/v1/sagas/${sagaId}/signals/decided`, { ok: true });
      await completed(sagaId);
    }
    const fresh = await client.start("three", { note: "after" });
    await completed(fresh.sagaId);
    const tookMs = performance.now() - startedAt;
    console.log(`database put back: healed ${(tookMs / 1_000).toFixed(1)} s after the recovery began`);

    const effects = await query(
      (sql) => sql`select step_key, count(*)::integer as times from lab.effect group by step_key`,
    );
    expect(effects.filter(({ times }) => times !== 1)).toEqual([]);
    expect(effects).toHaveLength(2 * 2 + 1 + 3);
    await eventually("what was forgotten is recorded", () =>
      query(async (sql) => {
        const rows = await sql<{ foreign_id: string; in_error: boolean }[]>`
          select foreign_id, bool_and(error_flag) as in_error from timeline.event_consumption
          where error_code = 'message.from-the-future' and consumer_group = 'dispatcher' group by foreign_id
        `;
        return rows.length >= 5 && rows.every(({ in_error }) => in_error);
      }),
    );
    await eventually(
      "the engine is ready",
      async () => (await client.call("GET", "/health/ready")).status === 200,
      60_000,
    );
  },
  timeoutMs,
);
