import { randomBytes } from "node:crypto";

import type { Sql, Tx } from "./database.ts";
import { roleName } from "./domain-role.ts";

interface LoginRow {
  role_name: string;
  password: string;
}

/** On RDS nobody has the attribute `replication`: who is a member of this role may replicate instead. */
const RDS_REPLICATION = "rds_replication";

/**
 * Makes sure that the connector has a login role of its own, which replicates and reads what is published, and returns
 * the connection URL of that role; null: the engine's user may make no such role, and the connector logs in as it.
 */
export async function connectorUrl(sql: Sql, databaseUrl: string): Promise<string | null> {
  const login = await sql.begin(async (tx) => {
    // As with the domains' roles: concurrent grants on one object fail.
    await tx`select pg_advisory_xact_lock(hashtextextended('domain_login', 3))`;
    const { may, by_membership: byMembership } = await rightsOf(tx);
    if (!may) return null;
    const made = await ensureLogin(tx, byMembership);
    await grant(tx, made.role_name);
    return made;
  });
  if (login === null) return null;
  const url = new URL(databaseUrl);
  url.username = encodeURIComponent(login.role_name);
  url.password = encodeURIComponent(login.password);
  return url.href;
}

interface RightsRow {
  readonly may: boolean;
  readonly by_membership: boolean;
}

/** Whether this user may make a role that replicates, and whether that takes a membership instead of an attribute. */
async function rightsOf(tx: Tx): Promise<RightsRow> {
  const [row] = await tx<RightsRow[]>`
    select rolsuper or (rolcreaterole and (rolreplication or grants) and current_setting('server_version_num')::integer >= 160000) as may,
      not rolsuper and not rolreplication and grants as by_membership
    from pg_roles u, lateral (
      select exists (
        select 1 from pg_roles g where g.rolname = ${RDS_REPLICATION} and pg_has_role(u.oid, g.oid, 'member with admin option')
      ) as grants
    ) g
    where u.rolname = current_user
  `;
  return row ?? { may: false, by_membership: false };
}

async function ensureLogin(tx: Tx, byMembership: boolean): Promise<LoginRow> {
  const [known] = await tx<LoginRow[]>`
    select l.role_name, l.password from timeline.connector_login l join pg_roles r on r.rolname = l.role_name
  `;
  if (known !== undefined) return known;
  const [database] = await tx<{ name: string }[]>`select current_database() as name`;
  // No domain has a name that begins so.
  const role = roleName(database?.name ?? "ekiden", "_connector");
  const password = randomBytes(24).toString("base64url");
  await tx`drop role if exists ${tx(role)}`;
  const attribute = byMembership ? "" : " replication";
  await tx.unsafe(`create role "${role}" login${attribute} nosuperuser nocreatedb nocreaterole password '${password}'`);
  if (byMembership) await tx`grant ${tx(RDS_REPLICATION)} to ${tx(role)}`;
  await tx`
    insert into timeline.connector_login (id, role_name, password) values (1, ${role}, ${password})
    on conflict (id) do update set role_name = excluded.role_name, password = excluded.password
  `;
  return { role_name: role, password };
}

async function grant(tx: Tx, role: string): Promise<void> {
  await tx`grant usage on schema timeline to ${tx(role)}`;
  // So that the engine may end its sessions when it has to take the slot away.
  await tx`grant ${tx(role)} to current_user`;
  await tx`grant select on timeline.event_request, timeline.event_republish, timeline.heartbeat to ${tx(role)}`;
  // By which it moves an idle slot on.
  await tx`grant update (ts) on timeline.heartbeat to ${tx(role)}`;
}
