import type { Role } from "../core/grant.ts";
import type { Sql } from "./database.ts";

/** A key of the API as its list shows it. */
export interface KeyRow {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  /** Null: all. */
  readonly definitions: readonly string[] | null;
  readonly payloads: boolean;
  readonly created_at: Date;
  readonly created_by: string;
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
}

/** A key with what its bearer is checked by. */
export interface KeySecretRow extends KeyRow {
  readonly sha256: Buffer;
  /** By the database's clock. */
  readonly expired: boolean;
}

/** All keys ever made, the oldest first. There are as many as people and programs, not as sagas. */
export function listKeys(sql: Sql): Promise<readonly KeyRow[]> {
  return sql<KeyRow[]>`
    select id, name, role, definitions, payloads, created_at, created_by, expires_at, revoked_at
    from timeline.api_key order by id
  `;
}

/** The same with their hashes. */
export function readKeySecrets(sql: Sql): Promise<readonly KeySecretRow[]> {
  return sql<KeySecretRow[]>`
    select id, name, role, definitions, payloads, created_at, created_by, expires_at, revoked_at, sha256,
      coalesce(expires_at <= clock_timestamp(), false) as expired
    from timeline.api_key
  `;
}

/** Whether a key was ever made: from then on every call must show one. */
export async function hasKeys(sql: Sql): Promise<boolean> {
  const [row] = await sql<{ made: boolean }[]>`select exists (select from timeline.api_key) as made`;
  return row?.made ?? false;
}
