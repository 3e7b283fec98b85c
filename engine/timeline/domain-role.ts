import { createHash, randomBytes } from "node:crypto";
import type { Sql, Tx } from "./database.ts";

interface LoginRow {
  role_name: string;
  password: string;
}

/**
 * Makes sure that a domain has a login role of its own with nothing but its schema and the participant's functions,
 * and returns the connection URL of that role. (`set role` would not do: a handler can reset it. R13c.)
 */
export async function domainUrl(sql: Sql, databaseUrl: string, domain: string): Promise<string> {
  const login = (await knownLogin(sql, domain)) ?? (await ensureLogin(sql, domain));
  if (!(await hasAll(sql, domain, login.role_name))) await grant(sql, domain, login.role_name);
  const url = new URL(databaseUrl);
  url.username = encodeURIComponent(login.role_name);
  url.password = encodeURIComponent(login.password);
  return url.href;
}

/** Gives a domain's role another password. Sessions that are open stay; a process with the old address gets no new ones. */
export async function changePassword(sql: Sql, domain: string): Promise<void> {
  const { role_name: role } = await ensureLogin(sql, domain);
  const password = newPassword();
  await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(hashtextextended('domain_login', 3))`;
    await tx.unsafe(`alter role "${role}" password '${password}'`);
    await tx`update timeline.domain_login set password = ${password} where domain = ${domain}`;
  });
}

function newPassword(): string {
  return randomBytes(24).toString("base64url");
}

async function knownLogin(sql: Sql | Tx, domain: string): Promise<LoginRow | undefined> {
  const [known] = await sql<LoginRow[]>`
    select l.role_name, l.password from timeline.domain_login l join pg_roles r on r.rolname = l.role_name
    where l.domain = ${domain}
  `;
  return known;
}

async function ensureLogin(sql: Sql, domain: string): Promise<LoginRow> {
  return sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(hashtextextended('domain_login', 3))`;
    const known = await knownLogin(tx, domain);
    if (known !== undefined) return known;
    const [database] = await tx<{ name: string }[]>`select current_database() as name`;
    const role = roleName(database?.name ?? "ekiden", domain);
    const password = newPassword();
    await tx`drop role if exists ${tx(role)}`;
    await tx.unsafe(`create role "${role}" login nosuperuser nocreatedb nocreaterole password '${password}'`);
    await tx`
      insert into timeline.domain_login (domain, role_name, password) values (${domain}, ${role}, ${password})
      on conflict (domain) do update set role_name = excluded.role_name, password = excluded.password
    `;
    return { role_name: role, password };
  }) as Promise<LoginRow>;
}

/** PostgreSQL cuts longer names off. */
const NAME_MAX = 63;

/**
 * The role of a domain. Roles are shared by a cluster's databases, so the database stands in the name. A name that had
 * to be changed gets a hash: cut off alone, two domains would come to share one role.
 */
export function roleName(database: string, domain: string): string {
  const plain = `${database}_${domain}`;
  if (/^[A-Za-z0-9_]+$/.test(plain) && plain.length <= NAME_MAX) return plain;
  const hash = createHash("sha256").update(plain).digest("hex").slice(0, 12);
  return `${plain.replaceAll(/[^A-Za-z0-9_]/g, "_").slice(0, NAME_MAX - 13)}_${hash}`;
}

const PARTICIPANT_FUNCTIONS = [
  "fence(bigint)",
  "claim(text, jsonb, boolean)",
  "claim_batch(text, jsonb, boolean)",
  // The first is that of processes of the version before.
  "open_batch(text, text[], text[], text[])",
  "open_batch(text, text[], text[], text[], bigint)",
  "open_own(text, text[], text[], boolean[], bigint)",
  "close_batch(text, jsonb, text, integer)",
  "answer(text, text, text, jsonb)",
  "answer_batch(text, jsonb, text)",
  "record_foreign(text, jsonb, text)",
  "claim_projection_batch(text, jsonb)",
  "fail_consumption(text, jsonb, text, text, text)",
  "fail_try(text, jsonb, boolean, text, text, text)",
];

/**
 * Whether the role may already do all that `grant` gives it. Granting writes the catalogs even where nothing is new, and
 * every engine that starts waits for every other to do it.
 */
async function hasAll(sql: Sql, domain: string, role: string): Promise<boolean> {
  const functions = PARTICIPANT_FUNCTIONS.map((signature) => `timeline.${signature}`);
  const [row] = await sql<{ all: boolean }[]>`
    select coalesce(
      has_schema_privilege(${role}, 'timeline', 'usage')
      and has_schema_privilege(${role}, to_regnamespace(quote_ident(${domain})), 'usage')
      and pg_has_role(current_user, ${role}, 'usage')
      and (select bool_and(has_function_privilege(${role}, f.signature, 'execute'))
        from unnest(${sql.array(functions)}::text[]) f (signature))
      and not exists (
        select from pg_class c
        where c.relnamespace = to_regnamespace(quote_ident(${domain})) and case when c.relkind = 'S'
          then not has_sequence_privilege(${role}, c.oid, 'usage')
          else c.relkind in ('r', 'p', 'v', 'm', 'f') and not (
            has_table_privilege(${role}, c.oid, 'select') and has_table_privilege(${role}, c.oid, 'insert')
            and has_table_privilege(${role}, c.oid, 'update') and has_table_privilege(${role}, c.oid, 'delete'))
          end
      ), false) as all
  `;
  return row?.all === true;
}

async function grant(sql: Sql, domain: string, role: string): Promise<void> {
  await sql.begin(async (tx) => {
    // Concurrent grants on one object fail with "tuple concurrently updated".
    await tx`select pg_advisory_xact_lock(hashtextextended('domain_login', 3))`;
    // A domain that keeps nothing here has no migration that would have made its schema.
    await tx`create schema if not exists ${tx(domain)}`;
    await tx`grant usage on schema timeline, ${tx(domain)} to ${tx(role)}`;
    // A next owner of the embedded transport ends what handlers of this one left open.
    await tx`grant ${tx(role)} to current_user`;
    await tx`grant select, insert, update, delete on all tables in schema ${tx(domain)} to ${tx(role)}`;
    await tx`grant usage on all sequences in schema ${tx(domain)} to ${tx(role)}`;
    for (const signature of PARTICIPANT_FUNCTIONS) {
      await tx.unsafe(`grant execute on function timeline.${signature} to "${role}"`);
    }
  });
}
