import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type postgres from "postgres";

/** The three tables of the workload in the database of a peer: made by the very files that make them for Ekiden. */
export async function createBusinessTables(sql: postgres.Sql): Promise<void> {
  for (const schema of ["application", "screening", "contract"]) {
    await sql`create schema ${sql(schema)}`;
    await sql.unsafe(await readFile(join(import.meta.dir, "domains", schema, "sql/0001_init.sql"), "utf8"));
  }
}
