import type { Sql } from "postgres";

/** Tables that a publication hands to the connector, by name; empty: it has none, or does not exist. */
export async function readPublication(sql: Sql, name: string): Promise<readonly string[]> {
  const rows = await sql<{ name: string }[]>`
    select schemaname || '.' || tablename as name from pg_publication_tables where pubname = ${name} order by 1
  `;
  return rows.map((row) => row.name);
}
