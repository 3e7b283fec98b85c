import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Tx } from "ekiden";
import postgres from "postgres";

import { problemOf } from "../../engine/api/problem.ts";
import { isNoOutcome } from "../../engine/timeline/database.ts";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";
import { behave, calm } from "../support/lab/lab/behaviour.ts";
import { testPostgres } from "../support/postgres.ts";

const timeoutMs = 60_000;
const role = `test_${crypto.randomUUID().replaceAll("-", "")}`;

let t: TestEngine;
let client: Client;

beforeAll(async () => {
  t = await testEngine("embedded");
  client = new Client(() => t.url);
}, timeoutMs);

afterAll(async () => {
  await t?.sql.unsafe(`drop role if exists ${role}`);
  await t?.close();
}, timeoutMs);

/** What PostgreSQL answers to a login of the role. */
async function refusal(): Promise<unknown> {
  const url = new URL((await testPostgres()).url);
  url.username = role;
  url.password = "secret";
  const sql = postgres(url.href, { max: 1 });
  try {
    return await sql`select 1`;
  } catch (error) {
    return error;
  } finally {
    await sql.end({ timeout: 1 });
  }
}

for (const [what, statement] of [
  ["whose password has expired", `create role ${role} login password 'secret' valid until '2020-01-01'`],
  ["with another password", `alter role ${role} password 'other' valid until 'infinity'`],
  ["that may not log in any more", `alter role ${role} nologin password 'secret'`],
] as const) {
  test(
    `while PostgreSQL refuses a login ${what}, no message has an outcome, and a call is to be repeated`,
    async () => {
      await t.sql.unsafe(statement);
      const error = await refusal();

      expect(isNoOutcome(error)).toBe(true);
      const answer = problemOf(error);
      expect(answer?.status).toBe(503);
      expect(await answer?.json()).toMatchObject({
        code: "api.database-unavailable",
        detail: expect.stringContaining("refuses the engine's login"),
      });
    },
    timeoutMs,
  );
}

test("what a handler's own function raises under such a code is its failure", async () => {
  const raised = await t.sql`do $$ begin raise exception 'not yours' using errcode = '28000'; end $$`.catch(
    (error: unknown) => error,
  );
  expect(isNoOutcome(raised)).toBe(false);
});

test(
  "while a domain's login is refused its messages wait, and no attempt of a step is used up",
  async () => {
    const [login] = await t.sql<{ role: string }[]>`
      select role_name as role from timeline.domain_login where domain = 'lab'
    `;
    const role = login?.role ?? "";
    const failures = () => t.sql<{ code: string }[]>`select code from timeline.event_consumption_failure`;
    let isFirst = true;
    behave("one", "*", async (_context, tx) => {
      if (!isFirst) return undefined;
      isFirst = false;
      const [own] = await (tx as Tx)`select pg_backend_pid() as pid`;
      await t.sql`alter role ${t.sql(role)} nologin`;
      await t.sql`
        select pg_terminate_backend(pid, 1000) from pg_stat_activity where usename = ${role} and pid <> ${own?.["pid"] as number}
      `;
      // Set aside, the message goes alone next, by a connection of its own.
      throw new Error("at the first call");
    });
    const { sagaId } = await client.start("one_step", { note: "meanwhile" });
    try {
      await eventually(
        "the login was refused",
        async () => (await failures()).length > 0 || t.log.some((line) => line.includes("is not permitted to log in")),
      );
    } finally {
      await t.sql`alter role ${t.sql(role)} login`;
      calm();
    }
    expect((await client.settled(sagaId)).status).toBe("completed");
    expect([...(await failures())]).toEqual([]);
  },
  timeoutMs,
);
