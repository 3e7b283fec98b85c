import type { Sql } from "postgres";

/**
 * All that a role may do in this database, one line each: memberships and powers, what it may make, tables and sequences
 * with the verb, functions with their signature. What it cannot reach, for want of usage on the schema, does not count.
 */
export async function privilegesOf(sql: Sql, role: string): Promise<string[]> {
  const rows = await sql<{ line: string }[]>`
    with reached as (
      select oid, nspname from pg_namespace
      where nspname !~ '^pg_' and nspname <> 'information_schema' and has_schema_privilege(${role}, oid, 'usage')
    )
    select 'may ' || power.name as line
    from pg_roles r, lateral (values
      ('be superuser', r.rolsuper), ('create roles', r.rolcreaterole), ('create databases', r.rolcreatedb),
      ('replicate', r.rolreplication), ('bypass row security', r.rolbypassrls)) as power (name, granted)
    where r.rolname = ${role} and power.granted
    union all
    select 'member of ' || g.rolname from pg_auth_members m join pg_roles g on g.oid = m.roleid
    join pg_roles r on r.oid = m.member where r.rolname = ${role}
    union all
    select 'create schemas' where has_database_privilege(${role}, current_database(), 'create')
    union all
    select 'create in ' || nspname from pg_namespace where has_schema_privilege(${role}, oid, 'create') and nspname !~ '^pg_'
    union all
    select verb || ' ' || n.nspname || '.' || c.relname
    from reached n join pg_class c on c.relnamespace = n.oid and c.relkind in ('r', 'p', 'v', 'm', 'f')
    cross join unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) verb
    where has_table_privilege(${role}, c.oid, verb)
      or (verb in ('select', 'insert', 'update', 'references') and has_any_column_privilege(${role}, c.oid, verb))
    union all
    select 'use ' || n.nspname || '.' || c.relname
    from reached n join pg_class c on c.relnamespace = n.oid and c.relkind = 'S'
    where has_sequence_privilege(${role}, c.oid, 'usage') or has_sequence_privilege(${role}, c.oid, 'update')
    union all
    select 'call ' || n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')'
    from reached n join pg_proc p on p.pronamespace = n.oid
    where has_function_privilege(${role}, p.oid, 'execute')
    order by line
  `;
  return rows.map(({ line }) => line);
}

/**
 * Functions of the engine, and any that run with their owner's rights, whose names a caller could redirect: pg_temp must
 * stand last in the search path, else a temporary type of the caller's is found before the real one, and its check runs
 * as the owner. Also those that only are called by such a function: they run with the same rights.
 */
export async function redirectable(sql: Sql): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select n.nspname || '.' || p.proname as name
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where (p.prosecdef or n.nspname = 'timeline') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      and not 'search_path=pg_catalog, pg_temp' = any (coalesce(p.proconfig, '{}'))
    order by name
  `;
  return rows.map(({ name }) => name);
}
