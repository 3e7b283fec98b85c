import { afterAll, beforeAll, expect, test } from "bun:test";

import { type DomainDatabase, domainDatabase } from "../support/domain-database.ts";
import { privilegesOf, redirectable } from "../support/domain-privileges.ts";

/** All of the schema timeline that a domain may use. A new function is listed here, or taken from the public. */
const GRANTED = [
  "answer(p_consumer_group text, p_message_id text, p_outcome text, p_body jsonb)",
  "answer_batch(p_consumer_group text, p_answers jsonb, p_consumer text)",
  "claim(p_consumer_group text, p_message jsonb, p_external boolean)",
  "claim_batch(p_consumer_group text, p_messages jsonb, p_external boolean)",
  "claim_projection_batch(p_consumer_group text, p_messages jsonb)",
  "close_batch(p_consumer_group text, p_rows jsonb, p_consumer text, p_answers integer)",
  "fail_consumption(p_consumer_group text, p_message jsonb, p_code text, p_error text, p_stack text)",
  "fail_try(p_consumer_group text, p_message jsonb, p_claimed boolean, p_code text, p_error text, p_stack text)",
  "fence(p_epoch bigint)",
  "open_batch(p_consumer_group text, p_message_ids text[], p_topics text[], p_step_keys text[])",
  "open_batch(p_consumer_group text, p_message_ids text[], p_topics text[], p_step_keys text[], p_epoch bigint)",
  "open_own(p_consumer_group text, p_message_ids text[], p_step_keys text[], p_compensations boolean[], p_epoch bigint)",
  "record_foreign(p_consumer_group text, p_message jsonb, p_reason text)",
].map((signature) => `call timeline.${signature}`);

let database: DomainDatabase;

beforeAll(async () => {
  database = await domainDatabase();
}, 60_000);

afterAll(async () => database?.close(), 30_000);

test("a domain's role may use its own tables and the participant's functions, and nothing else", async () => {
  const tables = await database.sql<{ name: string }[]>`
    select 'screening.' || relname as name from pg_class where relnamespace = 'screening'::regnamespace and relkind = 'r'
  `;
  const verbs = ["delete", "insert", "select", "update"];
  const own = tables.flatMap(({ name }) => verbs.map((verb) => `${verb} ${name}`));

  expect(own.length).toBeGreaterThan(0);
  expect(await privilegesOf(database.sql, database.role)).toEqual([...own, ...GRANTED].sort());
});

/** What would break the boundary, how it is taken back, and the line with which it is found. */
const PLANTED: readonly (readonly [grant: string, revoke: string, found: string])[] = [
  ["grant select on timeline.saga to $role", "revoke select on timeline.saga from $role", "select timeline.saga"],
  [
    "grant update (status) on timeline.saga to $role",
    "revoke update (status) on timeline.saga from $role",
    "update timeline.saga",
  ],
  [
    "grant usage on schema contract to $role; grant insert on contract.contract to public",
    "revoke usage on schema contract from $role; revoke insert on contract.contract from public",
    "insert contract.contract",
  ],
  ["grant create on schema timeline to $role", "revoke create on schema timeline from $role", "create in timeline"],
  ["grant pg_read_all_data to $role", "revoke pg_read_all_data from $role", "member of pg_read_all_data"],
  ["alter role $role createrole", "alter role $role nocreaterole", "may create roles"],
  [
    "create function timeline.planted() returns integer language sql as 'select 1'",
    "drop function timeline.planted()",
    "call timeline.planted()",
  ],
];

test.each(PLANTED)("found: %s", async (grant, revoke, found) => {
  const { sql, role } = database;
  const before = await privilegesOf(sql, role);
  await sql.unsafe(grant.replaceAll("$role", `"${role}"`));
  const planted = await privilegesOf(sql, role).finally(() => sql.unsafe(revoke.replaceAll("$role", `"${role}"`)));

  expect(planted).toContain(found);
  expect(await privilegesOf(sql, role)).toEqual(before);
});

test("no function that runs with its owner's rights looks for names where the caller can put some", async () => {
  expect(await redirectable(database.sql)).toEqual([]);
});

test("found: a function whose search path leaves out pg_temp", async () => {
  const { sql } = database;
  await sql.unsafe(
    "create function timeline.planted() returns integer language sql security definer set search_path = pg_catalog as 'select 1'",
  );
  const planted = await redirectable(sql).finally(() => sql.unsafe("drop function timeline.planted()"));

  expect(planted).toEqual(["timeline.planted"]);
});
