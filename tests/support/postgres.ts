import postgres from "postgres";

import { type RunningPostgres, startEmbeddedPostgres } from "../../engine/stack/embedded-postgres.ts";
import { endsWithTheRun } from "./teardown.ts";
import { tempHome } from "./temp-home.ts";

let shared: Promise<RunningPostgres> | undefined;

/** The run's own PostgreSQL, started on first use with the settings that users get. */
export function testPostgres(): Promise<RunningPostgres> {
  shared ??= start();
  return shared;
}

/** A database of one test file. `drop` also ends its sessions and its replication slots. */
export interface FreshDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** An empty database on the run's server, or on another one that `server` names. */
export async function freshDatabase(server?: { readonly url: string }): Promise<FreshDatabase> {
  const { url } = server ?? (await testPostgres());
  const name = `test_${crypto.randomUUID().replaceAll("-", "")}`;
  await withAdmin(url, (sql) => sql`create database ${sql(name)}`);
  const own = new URL(url);
  own.pathname = `/${name}`;
  return { url: own.href, drop: () => withAdmin(url, (sql) => dropDatabase(sql, name)) };
}

async function dropDatabase(sql: postgres.Sql, name: string): Promise<void> {
  // A slot keeps its database from being dropped, even one that nobody reads.
  const slots = await sql<{ slot_name: string; active_pid: number | null }[]>`
    select slot_name, active_pid from pg_replication_slots where database = ${name}
  `;
  for (const slot of slots) {
    if (slot.active_pid !== null) await sql`select pg_terminate_backend(${slot.active_pid}, 5000)`;
    await sql`select pg_drop_replication_slot(${slot.slot_name})`;
  }
  await sql`drop database if exists ${sql(name)} with (force)`;
}

async function withAdmin(url: string, act: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    await act(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function start(): Promise<RunningPostgres> {
  const home = await tempHome();
  const server = await startEmbeddedPostgres({ home: home.path });
  endsWithTheRun({
    stop: async () => {
      shared = undefined;
      await server.stop();
      await home.remove();
    },
    killNow: () => process.kill(server.pid, "SIGINT"),
  });
  return server;
}
