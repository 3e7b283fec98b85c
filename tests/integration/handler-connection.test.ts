import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import type { Tx } from "ekiden";
import postgres from "postgres";

import { connect } from "../../engine/timeline/database.ts";
import { domainUrl } from "../../engine/timeline/domain-role.ts";
import { Client } from "../support/client.ts";
import { type TestEngine, testEngine } from "../support/engine.ts";
import { behave, calm } from "../support/lab/lab/behaviour.ts";

let lab: TestEngine;
const client = new Client(() => lab.url);

beforeAll(async () => {
  lab = await testEngine("embedded");
}, 60_000);
afterEach(calm);
afterAll(async () => lab?.close(), 60_000);

test("a handler works under its domain's own role, and its connection bears the longest step", async () => {
  const seen: Record<string, unknown>[] = [];
  behave("one", "*", async (_context, tx) => {
    const rows = await (tx as Tx)`
      select session_user as role, current_user as acting, current_setting('idle_in_transaction_session_timeout') as idle, current_setting('statement_timeout') as statement
    `;
    seen.push({ ...rows[0] });
    return undefined;
  });
  await client.start("three", { note: "role" }, "?wait=20s");

  expect(seen[0]).toMatchObject({ idle: "1h", statement: "1h" });
  expect(String(seen[0]?.["role"])).toEndWith("_lab");
  expect(seen[0]?.["acting"]).toBe(seen[0]?.["role"]);
});

test("a handler can neither read the engine's tables nor forge an outcome", async () => {
  const forbidden = [
    "select id from timeline.saga",
    "insert into timeline.step_guard (step_key, saga_id, state) values ('a', 'b', 'done')",
  ];
  const refused = new Set<string>();
  behave("one", "*", async (context, tx) => {
    const statement = forbidden[context.attempt - 1];
    if (statement === undefined) return undefined;
    await (tx as Tx).unsafe(statement).catch((error: Error) => void refused.add(error.message));
    throw new Error("tried it");
  });
  const { sagaId } = await client.start("three", { note: "boundary" });
  expect((await client.settled(sagaId)).status).toBe("completed");

  expect([...refused].sort()).toEqual(["permission denied for table saga", "permission denied for table step_guard"]);
});

test("a handler that writes another domain's table fails with a clear reason and leaves no trace", async () => {
  const { sql } = lab;
  await sql`create schema neighbour`;
  await sql`create table neighbour.thing (note text)`;
  const engine = connect(lab.engine.databaseUrl, { max: 1, name: "neighbour" });
  const url = await domainUrl(engine, lab.engine.databaseUrl, "neighbour");
  await engine.end({ timeout: 5 });
  behave("one", "*", async (context, tx) => {
    await (tx as Tx)`insert into lab.effect (step_key, saga_id, action, note) values (${context.stepKey}, 'own', 'one', 'mine')`;
    await (tx as Tx)`insert into neighbour.thing (note) values ('not mine')`;
    return undefined;
  });
  const { sagaId } = await client.start("three", { note: "neighbour" });
  const saga = await client.settled(sagaId);

  expect(saga).toMatchObject({
    status: "parked",
    error: { code: "sql_42501", message: "permission denied for schema neighbour", step: "first" },
  });
  expect(await sql`select note from neighbour.thing`).toHaveLength(0);
  expect(await sql`select note from lab.effect where saga_id = 'own'`).toHaveLength(0);
  const failures = await sql`
    select distinct f.code, f.message from timeline.event_consumption_failure f
    join timeline.event_request r using (message_id) where r.correlation_id = ${sagaId}
  `;
  expect(failures.map((row) => ({ ...row }))).toEqual([
    { code: "sql_42501", message: "permission denied for schema neighbour" },
  ]);
  // The neighbour itself may.
  const neighbour = postgres(url, { max: 1, onnotice: () => {} });
  await neighbour`insert into neighbour.thing (note) values ('mine')`;
  await neighbour.end({ timeout: 5 });
});
