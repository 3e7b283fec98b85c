import { afterAll, beforeAll, expect, test } from "bun:test";
import { resolve } from "node:path";
import postgres from "postgres";
import { Client } from "../support/client.ts";
import { eventually, LAB } from "../support/engine.ts";
import { type EngineProcess, startProcess } from "../support/engine-process.ts";
import { type FreshDatabase, freshDatabase, testPostgres } from "../support/postgres.ts";

let database: FreshDatabase;
let engine: EngineProcess;
let admin: postgres.Sql;
const client = new Client(() => engine.url);

beforeAll(async () => {
  database = await freshDatabase();
  admin = postgres((await testPostgres()).url, { max: 1, onnotice: () => {} });
  engine = await startProcess(resolve(import.meta.dir, "../.."), { DATABASE_URL: database.url, EKIDEN_DOMAINS: LAB });
}, 120_000);
afterAll(async () => {
  await engine?.end("SIGKILL");
  await admin?.end({ timeout: 5 });
  await database?.drop();
}, 60_000);

test("an engine whose connections are cut under load lives on and finishes every saga", async () => {
  const name = new URL(database.url).pathname.slice(1);
  const accepted: string[] = [];
  let on = true;
  let number = 0;
  const starter = async () => {
    while (on) {
      number += 1;
      const answer = await client.call("POST", "/v1/sagas/three", { note: `n${number}` }).catch(() => undefined);
      if (answer?.status === 201) accepted.push((answer.json as { sagaId: string }).sagaId);
      await Bun.sleep(answer === undefined ? 100 : 5);
    }
  };
  const starting = Promise.all([starter(), starter(), starter()]);
  // A slow machine gets as many rounds as it needs to get something through.
  for (let round = 0; round < 40 || (accepted.length <= 20 && round < 300); round += 1) {
    await Bun.sleep(200);
    await admin`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${name} and random() < 0.4`;
  }
  on = false;
  await starting;
  const alive = await fetch(`${engine.url}/health/live`).then(
    (response) => response.status,
    (error: Error) => error.message,
  );
  expect({ alive, said: alive === 200 ? "" : engine.output().slice(-1_500) }).toEqual({ alive: 200, said: "" });
  expect(accepted.length).toBeGreaterThan(20);
  // A read whose connection was cut just now answers 503, as it should; the saga itself must complete.
  for (const sagaId of accepted)
    await eventually(`${sagaId} completes`, async () => (await client.saga(sagaId)).status === "completed", 60_000);
}, 180_000);
