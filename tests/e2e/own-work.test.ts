import { afterAll, beforeAll, expect, test } from "bun:test";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";

let engine: TestEngine | undefined;

beforeAll(async () => {
  engine = await testEngine("embedded");
  const { sql } = engine;
  // Of all sessions, those that are open too: PostgreSQL counts what functions are called from now on.
  await sql`alter system set track_functions = 'pl'`;
  await sql`select pg_reload_conf()`;
  await eventually("calls are counted", async () => {
    const [row] = await sql<{ on: boolean }[]>`select current_setting('track_functions') = 'pl' as on`;
    return row?.on === true;
  });
}, 60_000);

afterAll(async () => {
  if (engine === undefined) return;
  await engine.sql`alter system reset track_functions`;
  await engine.sql`select pg_reload_conf()`;
  await engine.close();
}, 30_000);

async function calls(sql: TestEngine["sql"], name: string): Promise<number> {
  const [row] = await sql<{ calls: number }[]>`
    select coalesce(sum(calls), 0)::integer as calls from pg_stat_user_functions where schemaname = 'timeline' and funcname = ${name}
  `;
  return row?.calls ?? 0;
}

test("commands that a process hands to itself are opened as its own and not read again", async () => {
  const { sql, url } = engine as TestEngine;
  const client = new Client(() => url);
  // Until what was written before it took over is read, an owner takes nothing from memory.
  await client.settled((await client.start("three", { note: "before" })).sagaId);
  await Bun.sleep(1_500);
  await sql`select pg_stat_reset()`;
  let note = 0;
  // A session hands its counts in when it is at work again a second later.
  await eventually("some sagas' commands are counted", async () => {
    note += 1;
    await client.settled((await client.start("three", { note: `${note}` })).sagaId);
    return (await calls(sql, "open_own")) >= 9;
  });
  // That of the first saga may be handed in after the reset, and a handler that was slow comes again, which is not its own.
  expect(await calls(sql, "open_batch")).toBeLessThan(await calls(sql, "open_own"));
}, 60_000);
