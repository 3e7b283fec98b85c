import type { Sql, Tx } from "../timeline/database.ts";

/**
 * The oldest message id that the consumption history still covers; null: all of it. A rewind below it would deliver
 * messages of which nobody knows any more whether they were done. What is kept reaches as far back as the event store.
 */
export async function inboxHorizon(sql: Sql | Tx): Promise<string | null> {
  const [row] = await sql<{ horizon: string | null }[]>`
    select nullif(horizon, '') as horizon from timeline.retention where id = 1
  `;
  return row?.horizon ?? null;
}
