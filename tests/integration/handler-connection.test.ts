import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import type { Tx } from "ekiden";
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
      select session_user as role, current_setting('idle_in_transaction_session_timeout') as idle, current_setting('statement_timeout') as statement
    `;
    seen.push({ ...rows[0] });
    return undefined;
  });
  await client.start("three", { note: "role" }, "?wait=20s");

  expect(seen[0]).toMatchObject({ idle: "1h", statement: "1h" });
  expect(String(seen[0]?.["role"])).toEndWith("_lab");
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
