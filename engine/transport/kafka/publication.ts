import type { Sql } from "postgres";

import type { PartHealth } from "../port.ts";

/** What the publication of the first migration hands to the connector. */
const PUBLISHED = ["timeline.event_request", "timeline.event_republish", "timeline.heartbeat"] as const;

/** Tables that a publication hands to the connector, by name; empty: it has none, or does not exist. */
export async function readPublication(sql: Sql, name: string): Promise<readonly string[]> {
  const rows = await sql<{ name: string }[]>`
    select schemaname || '.' || tablename as name from pg_publication_tables where pubname = ${name} order by 1
  `;
  return rows.map((row) => row.name);
}

/** Tables of whose new rows the publication does not hand on all, whole and under the table's own name; empty: none. */
export async function readWithheld(sql: Sql, publication: string): Promise<readonly string[]> {
  const rows = await sql<{ name: string }[]>`
    select t.name from unnest(${[...PUBLISHED]}::text[]) with ordinality as t (name, at)
    where not exists (
      select from pg_publication p
      join pg_publication_tables h on h.pubname = p.pubname
      left join pg_publication_rel r on r.prpubid = p.oid and r.prrelid = to_regclass(t.name)
      where p.pubname = ${publication} and p.pubinsert and p.pubupdate
        and h.schemaname || '.' || h.tablename = t.name and h.rowfilter is null and r.prattrs is null
    )
    order by t.at
  `;
  return rows.map(({ name }) => name);
}

/** The publication's line of the health report; undefined: nothing is withheld. */
export function publicationHealth(name: string, withheld: readonly string[]): PartHealth | undefined {
  if (withheld.length === 0) return undefined;
  const detail = `publication ${name} does not hand on ${withheld.join(", ")}: what is written there does not reach Kafka, or late`;
  const tables = PUBLISHED.join(", ");
  const options = "publish = 'insert, update', publish_via_partition_root = true";
  const mend =
    withheld.length === PUBLISHED.length
      ? `drop publication if exists ${name}; create publication ${name} for table ${tables} with (${options});`
      : `alter publication ${name} set table ${tables}; alter publication ${name} set (${options});`;
  return {
    part: "publication",
    ok: false,
    detail,
    hint: `Somebody has changed it. In psql: ${mend} Then \`ekiden republish --missing-only --reason …\`.`,
  };
}
