import type { Sql } from "../../timeline/database.ts";
import { fault, type Finding, fine } from "./finding.ts";

interface OffRow {
  readonly name: string;
  readonly option: string;
}

/** Whether the event store's tables are vacuumed: most of their rows change several times. */
export async function vacuumChecks(sql: Sql): Promise<readonly Finding[]> {
  const [[counting], off] = await Promise.all([
    sql<{ counts: boolean }[]>`select current_setting('track_counts')::boolean as counts`,
    sql<OffRow[]>`
      select c.oid::regclass::text as name, w.prefix || o.option_name as option
      from pg_class c
      left join pg_class t on t.oid = c.reltoastrelid
      cross join lateral (values ('', c.reloptions), ('toast.', t.reloptions)) as w (prefix, options)
      cross join lateral pg_options_to_table(w.options) o
      where c.relnamespace = 'timeline'::regnamespace and c.relkind = 'r'
        and o.option_name = 'autovacuum_enabled' and not o.option_value::boolean
      order by 1, 2
    `,
  ]);
  const found: Finding[] = [];
  if (counting?.counts === false) {
    const fix = "alter system set track_counts = on; select pg_reload_conf();";
    found.push(fault("warn", "autovacuum", "track_counts is off: autovacuum does not see what to vacuum", fix));
  }
  if (off.length > 0) {
    const names = [...new Set(off.map(({ name }) => name))].join(", ");
    const fix = off.map(({ name, option }) => `alter table ${name} reset (${option});`).join(" ");
    const detail = `autovacuum is off for ${names}: what was changed or deleted there is never cleared away`;
    found.push(fault("warn", "autovacuum", detail, fix));
  }
  return found.length > 0 ? found : [fine("autovacuum", "no table of the event store is left out")];
}
