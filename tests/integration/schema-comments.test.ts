import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import type { Sql } from "postgres";

import { loadDomains } from "../../engine/participant/load-domains.ts";
import { connect } from "../../engine/timeline/database.ts";
import { migrate } from "../../engine/timeline/migrate.ts";
import { root } from "../architecture/project-files.ts";
import { OWN_DOMAINS } from "../support/own-domains.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";

let database: FreshDatabase;
let sql: Sql<{ bigint: number }>;
let schemas: string[];

beforeAll(async () => {
  database = await freshDatabase();
  sql = connect(database.url, { max: 2, name: "schema comments" });
  const domains = await loadDomains(join(root, "domains"), new Set(OWN_DOMAINS));
  const sets = domains.map(({ domain, sqlFolder }) => ({ schema: domain.name, folder: sqlFolder }));
  await migrate(sql, [{ schema: "timeline", folder: join(root, "sql") }, ...sets]);
  schemas = ["timeline", ...sets.map(({ schema }) => schema)];
}, 60_000);

afterAll(async () => {
  await sql?.end({ timeout: 5 });
  await database?.drop();
});

/** Tables, partitions, views and columns without a comment. */
async function undescribed(names: readonly string[]): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select concat_ws('.', n.nspname, c.relname, a.attname) as name
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    cross join lateral (
      select null::name as attname, 0 as attnum
      union all
      select attname, attnum from pg_attribute
      where attrelid = c.oid and attnum > 0 and not attisdropped
    ) a
    where n.nspname = any (${names as string[]}) and c.relkind in ('r', 'p', 'v')
      and col_description(c.oid, a.attnum) is null and (a.attnum > 0 or obj_description(c.oid, 'pg_class') is null)
    order by name
  `;
  return rows.map(({ name }) => name);
}

test("every table, view and column of the engine and the domains has a comment", async () => {
  expect(await undescribed(schemas)).toEqual([]);
});

test("a table and a column without a comment are found", async () => {
  await sql`create schema planted`;
  await sql`create table planted.thing (id integer)`;

  expect(await undescribed(["planted"])).toEqual(["planted.thing", "planted.thing.id"]);
});
