import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import postgres from "postgres";

import { connect } from "../../engine/timeline/database.ts";
import { migrateAt } from "../../engine/timeline/migrate.ts";
import { root } from "../architecture/project-files.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";

let database: FreshDatabase;

/** What a database may be set to whose administrator thinks of people at their desks. */
beforeAll(async () => {
  database = await freshDatabase();
  const admin = postgres(database.url, { max: 1, onnotice: () => {} });
  const name = new URL(database.url).pathname.slice(1);
  for (const bound of [
    "statement_timeout = '50ms'",
    "lock_timeout = '1ms'",
    "transaction_timeout = '200ms'",
    "idle_session_timeout = '200ms'",
    "idle_in_transaction_session_timeout = '100ms'",
  ])
    await admin.unsafe(`alter database "${name}" set ${bound}`);
  await admin.end();
}, 60_000);

afterAll(async () => {
  await database?.drop();
}, 60_000);

test("a transaction of the engine takes as long as it takes, whatever the database allows others", async () => {
  // The first connection of a process to a server finds out which version it has.
  const first = connect(database.url, { max: 1, name: "test" });
  await first`select 1`;
  await first.end();

  const sql = connect(database.url, { max: 1, name: "test" });
  try {
    await sql.begin(async (tx) => {
      await tx`select pg_sleep(0.15)`;
      await Bun.sleep(300);
      await tx`select 1`;
    });
  } finally {
    await sql.end();
  }
}, 30_000);

test("a connection that has lost its first transaction to it loses no second one", async () => {
  const server = new URL(database.url);
  // By another name the same server is one that the process knows nothing of.
  server.hostname = "localhost";
  const sql = connect(server.href, { max: 1, name: "test" });
  const slow = () =>
    sql.begin(async (tx) => {
      await tx`select 1`;
      await Bun.sleep(400);
      await tx`select 1`;
    });
  try {
    await slow().catch(() => {});
    await slow();
  } finally {
    await sql.end();
  }
}, 30_000);

test("an idle connection of the engine stays", async () => {
  const sql = connect(database.url, { max: 1, name: "test" });
  try {
    const pid = async () => (await sql`select pg_backend_pid() as pid`)[0]?.["pid"] as number;
    const before = await pid();
    await Bun.sleep(500);
    expect(await pid()).toBe(before);
  } finally {
    await sql.end();
  }
}, 30_000);

test("a statement that may take as long as it takes is not bounded by the database either", async () => {
  const sql = connect(database.url, { max: 1, name: "test", statementTimeoutMs: 0 });
  try {
    await sql`select pg_sleep(0.15)`;
  } finally {
    await sql.end();
  }
}, 30_000);

test("migrations are applied", async () => {
  expect(await migrateAt(database.url, [{ schema: "timeline", folder: join(root, "sql") }], () => {})).toBeGreaterThan(
    0,
  );
}, 60_000);
