import { afterAll, beforeAll, expect, test } from "bun:test";
import { Client } from "../support/client.ts";
import { type TestEngine, testEngine } from "../support/engine.ts";

let lab: TestEngine;
const client = new Client(() => lab.url);

beforeAll(async () => {
  lab = await testEngine("embedded");
}, 120_000);
afterAll(async () => lab?.close(), 60_000);

test("a connection that falls silent is given up, or readiness turns red", async () => {
  await client.start("three", { note: "warm up" }, "?wait=20s");
  const [silent] = await lab.sql<{ pid: number }[]>`
    select pid from pg_stat_activity where datname = current_database() and application_name = 'ekiden lab batches' limit 1`;
  const pid = silent?.pid as number;
  // Stands for a partition: the server answers nothing and closes nothing.
  process.kill(pid, "SIGSTOP");
  try {
    const sagas: string[] = [];
    for (let index = 0; index < 10; index += 1) sagas.push((await client.start("three", { note: `n${index}` })).sagaId);
    await Bun.sleep(80_000);
    const open = (await Promise.all(sagas.map((id) => client.saga(id)))).filter((saga) => saga.status !== "completed").length;
    const { status } = await client.call("GET", "/health/ready");
    expect({ open, status }).not.toMatchObject({ status: open > 0 ? 200 : 0 });
  } finally {
    process.kill(pid, "SIGCONT");
  }
}, 150_000);
