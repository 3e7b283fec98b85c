import { afterAll, beforeAll, expect, test } from "bun:test";
import postgres from "postgres";

import { connect } from "../../engine/timeline/database.ts";
import { domainUrl, roleName } from "../../engine/timeline/domain-role.ts";
import { ekiden } from "../cli/run-cli.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";

let database: FreshDatabase;

beforeAll(async () => {
  database = await freshDatabase();
}, 60_000);

afterAll(async () => database?.drop(), 30_000);

function run(...args: readonly string[]) {
  return ekiden(args, { DATABASE_URL: database.url });
}

/** Who one is at an address, or why one does not get in. */
async function whoAt(url: string): Promise<string> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    const [row] = await sql<{ name: string }[]>`select session_user as name`;
    return row?.name ?? "nobody";
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

test("login prints the same address each time, and a new password ends the old one", async () => {
  expect(await run("login", "screening")).toMatchObject({
    code: 1,
    err: "The database has no schema screening yet: run `bun run ekiden migrate` first.\n",
  });
  expect((await run("migrate")).code).toBe(0);

  const first = (await run("login", "screening")).out.trim();
  expect((await run("login", "screening")).out.trim()).toBe(first);
  expect(await whoAt(first)).toBe(roleName(new URL(database.url).pathname.slice(1), "screening"));

  const second = (await run("login", "screening", "--new-password")).out.trim();
  expect(await whoAt(second)).toEndWith("_screening");
  expect(await whoAt(first)).toBe("28P01");
}, 60_000);

test("a domain that has all its rights is logged in without a word to the catalogs; what is new is granted", async () => {
  expect((await run("migrate")).code).toBe(0);
  const sql = connect(database.url, { max: 2, name: "rights" });
  const url = await domainUrl(sql, database.url, "screening");
  const rights = await sql`select relname, relacl, xmin from pg_class where relnamespace = 'screening'::regnamespace`;
  await sql.begin(async (tx) => {
    // Another engine is about to grant something.
    await tx`select pg_advisory_xact_lock(hashtextextended('domain_login', 3))`;
    expect(await domainUrl(sql, database.url, "screening")).toBe(url);
  });
  expect(await sql`select relname, relacl, xmin from pg_class where relnamespace = 'screening'::regnamespace`).toEqual(
    rights,
  );

  await sql`create table screening.later (id bigint generated always as identity, note text)`;
  await sql`revoke execute on function timeline.fence(bigint) from ${sql(new URL(url).username)}`;
  await domainUrl(sql, database.url, "screening");
  const domain = postgres(url, { max: 1, onnotice: () => {} });
  await domain`insert into screening.later (note) values ('granted')`;
  expect(await domain`select has_function_privilege('timeline.fence(bigint)', 'execute') as may`).toEqual([
    { may: true },
  ] as never);
  await domain.end();
  await sql`drop table screening.later`;
  await sql.end();
}, 60_000);

test("two domains never share a role, however long the names are", () => {
  const database = "d".repeat(50);
  const names = ["a", "b"].map((end) => roleName(database, `a_domain_with_a_long_name_${end}`));

  expect(new Set([...names, roleName("a-b", "c"), roleName("a_b", "c")]).size).toBe(4);
  expect(names.map(({ length }) => length)).toEqual([63, 63]);
  expect(roleName("orders", "screening")).toBe("orders_screening");
});

test("a domain without a file of SQL has nobody who made its schema, and logs in all the same", async () => {
  expect((await run("migrate")).code).toBe(0);
  const sql = connect(database.url, { max: 1, name: "bare domain" });
  try {
    expect(await whoAt(await domainUrl(sql, database.url, "bare"))).toEndWith("_bare");
  } finally {
    await sql.end({ timeout: 5 });
  }
});
