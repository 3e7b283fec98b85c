import type { Sql } from "../timeline/database.ts";

/**
 * The oldest message id that the consumption history still covers; null: all of it. A rewind below it would deliver
 * messages of which nobody knows any more whether they were done. What is kept reaches as far back as the event store.
 */
export async function inboxHorizon(sql: Sql): Promise<string | null> {
  const [row] = await sql<{ horizon: string | null }[]>`
    select min(substring(pg_get_expr(c.relpartbound, c.oid) from 'FROM \\(''([0-9A-HJKMNP-TV-Z]{26})''\\)')) as horizon
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'timeline.event_request'::regclass
  `;
  return row?.horizon ?? null;
}
