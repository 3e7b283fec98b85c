import postgres from "postgres";

import { type DatabaseAddress, databaseUrl } from "./database-url.ts";
import { waitUntil } from "./wait-until.ts";

/** Whether a query works within `timeoutMs`. `gaveUp` ends the wait early, for a server that has exited. */
export async function answers(
  address: DatabaseAddress,
  timeoutMs: number,
  gaveUp: () => boolean = () => false,
): Promise<boolean> {
  const ready = await waitUntil(async () => ((await query(address)) ? "yes" : gaveUp() ? "no" : undefined), {
    timeoutMs,
  });
  return ready === "yes";
}

/** Creates the address' database if it is missing. */
export async function ensureDatabase(address: DatabaseAddress): Promise<void> {
  const sql = connect({ ...address, database: "postgres" });
  try {
    const found = await sql`select 1 from pg_database where datname = ${address.database}`;
    if (found.length === 0) await sql`create database ${sql(address.database)}`;
  } finally {
    await sql.end();
  }
}

async function query(address: DatabaseAddress): Promise<boolean> {
  // A client of its own for each try: one that has failed waits longer and longer before it connects again.
  const sql = connect({ ...address, database: "postgres" });
  try {
    await sql`select 1`;
    return true;
  } catch {
    return false;
  } finally {
    await sql.end({ timeout: 1 });
  }
}

function connect(address: DatabaseAddress): postgres.Sql {
  return postgres(databaseUrl(address), { max: 1, connect_timeout: 2, fetch_types: false, onnotice: () => {} });
}
