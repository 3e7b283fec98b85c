import type { MigrationSet } from "../../timeline/migrate.ts";
import { migrationState } from "../../timeline/migrate.ts";
import type { Sql } from "../../timeline/database.ts";
import { fault, type Finding, fine } from "./finding.ts";

/** A transaction that writes for longer holds up what is read behind it. */
const LONG_S = 60;
const TOO_LONG_S = 600;
const SKEW_MAX_MS = 2_000;

interface ServerRow {
  readonly version: string;
  readonly wal_level: string;
  readonly fsync: string;
  readonly synchronous_commit: string;
  readonly autovacuum: string;
  readonly max_keep_mb: number;
  readonly idle_slot: string | null;
  readonly free_slots: number;
  readonly free_senders: number;
  readonly is_superuser: boolean;
  readonly may_replicate: boolean;
  readonly may_create_roles: boolean;
  readonly may_create: boolean;
  readonly now: Date;
}

/**
 * The server's settings, and what the login may do. `slot`: of the connector on Kafka, null when embedded. `ownServer`: the
 * engine runs the server for itself alone, and is its superuser.
 */
export async function serverChecks(
  sql: Sql,
  { slot, ownServer }: { readonly slot: string | null; readonly ownServer: boolean },
): Promise<readonly Finding[]> {
  const askedAt = Date.now();
  const [row] = await sql<ServerRow[]>`
    select current_setting('server_version') as version, current_setting('wal_level') as wal_level,
      current_setting('fsync') as fsync, current_setting('synchronous_commit') as synchronous_commit,
      current_setting('autovacuum') as autovacuum, current_setting('idle_replication_slot_timeout', true) as idle_slot,
      (select setting::integer from pg_settings where name = 'max_slot_wal_keep_size') as max_keep_mb,
      current_setting('max_replication_slots')::integer - (select count(*)::integer from pg_replication_slots) as free_slots,
      current_setting('max_wal_senders')::integer - (select count(*)::integer from pg_stat_replication) as free_senders,
      r.rolsuper as is_superuser, r.rolreplication or r.rolsuper or exists (
        select 1 from pg_roles g where g.rolname = 'rds_replication' and pg_has_role(r.oid, g.oid, 'member')
      ) as may_replicate, r.rolcreaterole or r.rolsuper as may_create_roles,
      has_database_privilege(current_database(), 'create') as may_create, clock_timestamp() as now
    from pg_roles r where r.rolname = current_user
  `;
  if (row === undefined) return [];
  const answeredAt = Date.now();
  return [
    fine("postgresql", `version ${row.version} answers`),
    ...durability(row),
    ...privileges(row, { replicates: slot !== null, ownServer }),
    skew(row.now, askedAt, answeredAt),
    ...(slot === null ? [] : await replication(sql, row, slot)),
  ];
}

function durability(row: ServerRow): Finding[] {
  const off = (["fsync", "synchronous_commit"] as const).filter((name) => row[name] === "off");
  const wrong = off.map((name) =>
    fault(
      "red",
      "durability",
      `${name} is off: a crash loses what was answered`,
      `alter system set ${name} = on; select pg_reload_conf();`,
    ),
  );
  if (row.autovacuum === "off")
    wrong.push(
      fault(
        "warn",
        "durability",
        "autovacuum is off: tables grow without end",
        "alter system set autovacuum = on; select pg_reload_conf();",
      ),
    );
  return wrong.length > 0 ? wrong : [fine("durability", "fsync, synchronous_commit and autovacuum are on")];
}

function privileges(row: ServerRow, needed: { readonly replicates: boolean; readonly ownServer: boolean }): Finding[] {
  if (row.is_superuser && !needed.ownServer) {
    const fix =
      "`create role ekiden login createrole replication password '…';` (docs/SECURITY.md, Roles in the database)";
    return [fault("warn", "privileges", "the login is a superuser, which the engine need not be", fix)];
  }
  const missing = [
    ...(row.may_create ? [] : ["create schemas"]),
    ...(row.may_create_roles ? [] : ["create roles (each domain has one)"]),
    ...(needed.replicates && !row.may_replicate ? ["replicate (the connector logs in with it)"] : []),
  ];
  if (missing.length === 0) return [fine("privileges", "the login may do what the engine does")];
  const fix = "alter role <login> createrole replication; grant create on database <database> to <login>;";
  return [fault("red", "privileges", `the login may not ${missing.join(", ")}`, fix)];
}

function skew(now: Date, askedAt: number, answeredAt: number): Finding {
  const apart = Math.max(askedAt - now.getTime(), now.getTime() - answeredAt, 0);
  if (apart <= SKEW_MAX_MS) return fine("clocks", "this machine and the database agree");
  const detail = `this machine's clock and the database's are ${Math.round(apart / 1000)} s apart`;
  return fault("warn", "clocks", detail, "Let both take their time from NTP: chronyc tracking");
}

async function replication(sql: Sql, row: ServerRow, slot: string): Promise<Finding[]> {
  const found: Finding[] = [];
  if (row.wal_level !== "logical") {
    const fix = "alter system set wal_level = logical; -- then restart PostgreSQL";
    found.push(fault("red", "replication", `wal_level is ${row.wal_level}: the outbox cannot be read`, fix));
  }
  const [present] = await sql`select slot_name from pg_replication_slots where slot_name = ${slot}`;
  if (present === undefined && (row.free_slots <= 0 || row.free_senders <= 0)) {
    const fix =
      "alter system set max_replication_slots = 20; alter system set max_wal_senders = 20; -- then restart PostgreSQL";
    found.push(fault("red", "replication", "no replication slot or WAL sender is free for the connector", fix));
  }
  if (row.max_keep_mb < 0) {
    const fix = "alter system set max_slot_wal_keep_size = '20GB'; select pg_reload_conf();";
    found.push(
      fault(
        "warn",
        "replication",
        "max_slot_wal_keep_size has no limit: a connector that stays away fills the disk",
        fix,
      ),
    );
  }
  if (row.idle_slot !== null && !/^0/.test(row.idle_slot)) {
    const fix = "alter system set idle_replication_slot_timeout = 0; select pg_reload_conf();";
    found.push(
      fault(
        "warn",
        "replication",
        `idle_replication_slot_timeout is ${row.idle_slot}: a connector that is down for longer loses its slot`,
        fix,
      ),
    );
  }
  return found.length > 0
    ? found
    : [fine("replication", `logical, WAL for a slot is kept up to ${row.max_keep_mb} MB`)];
}

/** Migrations of engine and domains. An empty list: there is no schema yet. */
export async function migrationChecks(sql: Sql, sets: readonly MigrationSet[]): Promise<readonly Finding[]> {
  const { missing, edited, newer } = await migrationState(sql, sets);
  const fix = "bun run ekiden migrate";
  return [
    ...(edited.length === 0
      ? []
      : [
          fault(
            "red",
            "migrations",
            `edited after they were applied: ${edited.join(", ")}`,
            "Restore these files; write the change into new ones.",
          ),
        ]),
    ...(newer.length === 0
      ? []
      : [
          fault("red", "migrations", `of a newer engine, and breaking: ${newer.join(", ")}`, "Start the newer engine."),
        ]),
    ...(missing.length === 0 ? [] : [fault("warn", "migrations", `not applied yet: ${missing.join(", ")}`, fix)]),
    ...(missing.length + edited.length + newer.length > 0 ? [] : [fine("migrations", "all are applied")]),
  ];
}

interface OldestRow {
  readonly who: string;
  readonly what: string;
  readonly pid: number | null;
  readonly since: Date;
  readonly seconds: number;
}

/** The oldest transaction that writes: nothing that was committed after it began can be confirmed, or is read embedded. */
export async function transactionChecks(sql: Sql, longSeconds = LONG_S): Promise<readonly Finding[]> {
  const [oldest] = await sql<OldestRow[]>`
    select w.who, w.what, w.pid, w.since, extract(epoch from clock_timestamp() - w.since)::float8 as seconds from (
      select coalesce(nullif(a.application_name, ''), a.usename, '?') as who, coalesce(a.state, '?') as what, a.pid, a.xact_start as since
      from pg_stat_activity a where a.backend_xid is not null and a.xact_start is not null and a.pid <> pg_backend_pid()
      union all
      select p.owner, 'prepared ' || p.gid, null, p.prepared from pg_prepared_xacts p
    ) w order by w.since limit 1
  `;
  if (oldest === undefined || oldest.seconds < longSeconds) return [fine("transactions", "none writes for long")];
  const detail = `a transaction of ${oldest.who} (${oldest.what}) has been writing for ${Math.round(oldest.seconds)} s: messages wait behind it`;
  const fix =
    oldest.pid === null
      ? "rollback prepared '…'; -- see pg_prepared_xacts"
      : `select pg_terminate_backend(${oldest.pid});`;
  return [fault(oldest.seconds > TOO_LONG_S ? "red" : "warn", "transactions", detail, fix, oldest.since)];
}

/** Partitions of the outbox lie ahead: without one nothing can be written. */
export async function partitionChecks(sql: Sql): Promise<readonly Finding[]> {
  const [row] = await sql<{ ahead: boolean }[]>`
    select to_regclass('timeline.event_request_' || to_char((clock_timestamp() at time zone 'UTC') + interval '20 days', 'YYYYMM'))
      is not null as ahead
  `;
  if (row?.ahead === true) return [fine("partitions", "the outbox has its next partition")];
  const fix = "select timeline.ensure_partitions();";
  return [fault("red", "partitions", "the outbox has no partition for in 20 days", fix)];
}
