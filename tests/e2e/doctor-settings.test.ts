import { afterAll, beforeAll, expect, test } from "bun:test";
import postgres from "postgres";

import { timeoutChecks } from "../../engine/recovery/doctor/timeout-checks.ts";
import type { Sql } from "../../engine/timeline/database.ts";
import { ekiden } from "../cli/run-cli.ts";
import { Client } from "../support/client.ts";
import { eventually, LAB, type TestEngine, testEngine } from "../support/engine.ts";
import { behave, calls } from "../support/lab/lab/behaviour.ts";

interface Finding {
  readonly check: string;
  readonly level: string;
  readonly detail: string;
  readonly fix: string | null;
}

let t: TestEngine;
let database: string;

beforeAll(async () => {
  t = await testEngine("embedded");
  database = new URL(t.engine.databaseUrl).pathname.slice(1);
}, 120_000);

afterAll(() => t?.close(), 60_000);

async function fromOutside(check: string): Promise<readonly Finding[]> {
  const { out, err } = await ekiden(["doctor", "--json"], {
    DATABASE_URL: t.engine.databaseUrl,
    EKIDEN_DOMAINS: LAB,
    EKIDEN_HOME: "no-such-home",
    EKIDEN_URL: t.url,
  });
  if (out === "") throw new Error(err);
  return (JSON.parse(out) as { findings: Finding[] }).findings.filter((one) => one.check === check);
}

async function fromInside(check: string): Promise<readonly Finding[]> {
  const { findings } = (await new Client(() => t.url).ok("GET", "/v1/doctor")) as { findings: Finding[] };
  return findings.filter((one) => one.check === check);
}

/** Sets something, looks from both sides, and takes it back by the commands that were named. */
async function withSettings(check: string, set: readonly string[]): Promise<readonly Finding[]> {
  for (const statement of set) await t.sql.unsafe(statement);
  const found = await fromInside(check);
  expect(await fromOutside(check)).toEqual(found);
  for (const { fix } of found) for (const command of (fix ?? "").split(/(?<=;)\s*/)) await t.sql.unsafe(command);
  for (const look of [fromInside, fromOutside]) expect(await look(check)).toMatchObject([{ level: "ok", fix: null }]);
  return found;
}

test("bounds that a database gives its sessions are named, with the command that takes them away", async () => {
  const found = await withSettings("timeouts", [
    `alter database "${database}" set transaction_timeout = '300ms'`,
    `alter database "${database}" set statement_timeout = 10`,
    `alter database "${database}" set lock_timeout = '1ms'`,
    `alter database "${database}" set idle_in_transaction_session_timeout = '1s'`,
    `alter database "${database}" set tcp_user_timeout = '1s'`,
    `alter database "${database}" set synchronous_commit = off`,
  ]);
  const line = (name: string, value: string) => ({
    level: "warn",
    detail: expect.stringContaining(`${name} is ${value} (set for database ${database}): `),
    fix: `alter database "${database}" reset ${name};`,
  });
  expect(found).toMatchObject([
    line("idle_in_transaction_session_timeout", "1s"),
    line("lock_timeout", "1ms"),
    line("statement_timeout", "10ms"),
    line("synchronous_commit", "off"),
    line("tcp_user_timeout", "1s"),
    line("transaction_timeout", "300ms"),
  ]);
}, 60_000);

test("so are those of the engine's role and of a domain's, here and everywhere", async () => {
  const [domain] = await t.sql<{ role_name: string }[]>`select role_name from timeline.domain_login`;
  const role = domain?.role_name ?? "";
  const found = await withSettings("timeouts", [
    // The narrower one wins: this one holds for nobody that the engine knows but the engine itself.
    `alter database "${database}" set lock_timeout = '30s'`,
    `alter role "${role}" set statement_timeout = '2s'`,
    `alter role "${role}" in database "${database}" set lock_timeout = '20ms'`,
  ]);
  expect(found).toMatchObject([
    {
      detail: expect.stringContaining(`lock_timeout is 20ms (set for role ${role} in database ${database}): `),
      fix: `alter role "${role}" in database "${database}" reset lock_timeout;`,
    },
    {
      detail: expect.stringContaining(`statement_timeout is 2s (set for role ${role}): `),
      fix: `alter role "${role}" reset statement_timeout;`,
    },
  ]);
  await t.sql.unsafe(`alter database "${database}" reset lock_timeout`);
}, 60_000);

test("so is one of the server", async () => {
  // Long enough to be nothing to the tests beside this one.
  await t.sql.unsafe("alter system set idle_session_timeout = '59s'");
  try {
    await t.sql`select pg_reload_conf()`;
    const [found] = await eventually("the server has read it", async () => {
      const all = await fromInside("timeouts");
      return all[0]?.level === "warn" ? all : undefined;
    });
    expect(found).toMatchObject({
      detail: expect.stringContaining("idle_session_timeout is 59s (set for the server): "),
      fix: "alter system set idle_session_timeout = 0; select pg_reload_conf();",
    });
  } finally {
    await t.sql.unsafe("alter system reset idle_session_timeout");
    await t.sql`select pg_reload_conf()`;
  }
}, 60_000);

test("a step that takes longer than any of them commits all the same", async () => {
  const bounds = ["transaction_timeout = '300ms'", "statement_timeout = '10ms'", "lock_timeout = '1ms'"];
  await t.stop();
  for (const bound of bounds) await t.sql.unsafe(`alter database "${database}" set ${bound}`);
  try {
    await t.start();
    behave("one", "*", async () => {
      await Bun.sleep(1_500);
      return undefined;
    });
    const client = new Client(() => t.url);
    const { sagaId } = await client.start("one_step", { note: "slow" });
    expect(await client.settled(sagaId)).toMatchObject({ status: "completed" });
    // Slow in a batch, it is called once more alone, and no third time.
    expect(calls.filter((call) => call.sagaId === sagaId).length).toBeLessThanOrEqual(2);
    expect(await fromInside("timeouts")).toHaveLength(3);
  } finally {
    behave("one", "*", () => undefined);
    for (const bound of bounds) await t.sql.unsafe(`alter database "${database}" reset ${bound.split(" ")[0]}`);
  }
}, 60_000);

test("a bound that is long enough is nothing to tell of", async () => {
  await t.sql.unsafe(`alter database "${database}" set statement_timeout = '2min'`);
  expect(await fromInside("timeouts")).toMatchObject([{ level: "ok" }]);
  await t.sql.unsafe(`alter database "${database}" reset statement_timeout`);
}, 60_000);

test("sessions whose own bounds do not reach the server are red where nothing would work", async () => {
  await t.sql.unsafe(`alter database "${database}" set statement_timeout = '500ms'`);
  const bare = postgres(t.engine.databaseUrl, { max: 1 });
  try {
    expect(await timeoutChecks(bare as unknown as Sql, t.engine.databaseUrl)).toMatchObject([
      {
        level: "warn",
        detail: expect.stringContaining("idle_in_transaction_session_timeout of the engine's own sessions is 0"),
      },
      { level: "warn" },
      { level: "warn" },
      {
        level: "red",
        detail: expect.stringContaining("statement_timeout of the engine's own sessions is 500ms (source: database)"),
        fix: expect.stringContaining("without a pooler"),
      },
      { level: "warn" },
      { level: "warn", fix: `alter database "${database}" reset statement_timeout;` },
    ]);
  } finally {
    await bare.end();
    await t.sql.unsafe(`alter database "${database}" reset statement_timeout`);
  }
}, 60_000);

test("a table of the event store that is never vacuumed is named", async () => {
  const [partition] = await t.sql<{ name: string }[]>`
    select inhrelid::regclass::text as name from pg_inherits where inhparent = 'timeline.event_request'::regclass limit 1
  `;
  const name = partition?.name ?? "";
  const found = await withSettings("autovacuum", [
    "alter table timeline.saga set (autovacuum_enabled = off)",
    `alter table ${name} set (autovacuum_enabled = false, toast.autovacuum_enabled = 0)`,
  ]);
  expect(found).toEqual([
    expect.objectContaining({
      level: "warn",
      detail: `autovacuum is off for ${name}, timeline.saga: what was changed or deleted there is never cleared away`,
      fix:
        `alter table ${name} reset (autovacuum_enabled); alter table ${name} reset (toast.autovacuum_enabled); ` +
        "alter table timeline.saga reset (autovacuum_enabled);",
    }),
  ]);
}, 60_000);
