import { afterAll, beforeAll, expect, test } from "bun:test";
import { resolve } from "node:path";
import { type EngineProcess, startProcess } from "../support/engine-process.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";

let database: FreshDatabase;
let engine: EngineProcess;

beforeAll(async () => {
  database = await freshDatabase();
  engine = await startProcess(resolve(import.meta.dir, "../.."), { DATABASE_URL: database.url });
}, 120_000);
afterAll(async () => {
  await engine?.end("SIGKILL");
}, 60_000);

test("an engine whose database is gone ends at SIGTERM", async () => {
  await database.drop();
  const ended = await Promise.race([engine.end("SIGTERM"), Bun.sleep(45_000).then(() => "still running")]);
  expect({ ended, said: engine.output().slice(-600) }).not.toMatchObject({ ended: "still running" });
}, 90_000);
