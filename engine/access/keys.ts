import { createHash, randomBytes } from "node:crypto";

import type { Grant, Role } from "../core/grant.ts";
import type { Json } from "../core/json.ts";
import { Refusal } from "../core/refusal.ts";
import { claimOperation, keepOperation, type Operator } from "../recovery/operator.ts";
import type { Sql, Tx } from "../timeline/database.ts";
import { newId } from "../timeline/ids.ts";
import type { KeyRow } from "../timeline/read-keys.ts";

/** A key to be made. */
export interface KeyOrder extends Grant {
  /** What the audit calls its holder. */
  readonly name: string;
  /** Null: it does not expire. */
  readonly expiresAt: Date | null;
}

/** A key that was made. `key`: shown this once; null for a call that is repeated under its Idempotency-Key. */
export interface CreatedKey {
  readonly row: KeyRow;
  readonly key: string | null;
}

const SECRET_BYTES = 32;

/**
 * Makes a key of the API and keeps its SHA-256. The first one must be an admin's: with it the API is closed to
 * everybody else.
 * @throws Refusal `key.name-taken`, `key.first-admin`
 */
export async function createKey(sql: Sql, order: KeyOrder, reason: string, by: Operator): Promise<CreatedKey> {
  const { name, role, definitions, payloads, expiresAt } = order;
  const expires = expiresAt?.toISOString() ?? null;
  const request: Json = { name, role, definitions: definitions && [...definitions], payloads, expires, reason };
  const id = newId();
  const key = `ekiden_${id}_${randomBytes(SECRET_BYTES).toString("base64url")}`;
  return sql.begin(async (tx) => {
    await lockKeys(tx);
    const earlier = await claimOperation(tx, "key.create", by, request);
    if (earlier !== null) return { row: await readKey(tx, name), key: null };
    await refuseUnfit(tx, name, role);
    await tx`
      insert into timeline.api_key (id, name, sha256, role, definitions, payloads, created_by, expires_at)
      values (${id}, ${name}, ${hashOf(key)}, ${role}, ${definitions && tx.array([...definitions])}, ${payloads},
        ${by.actor}, ${expires}::text::timestamptz)
    `;
    await audit(tx, "key.create", name, reason, by, {
      id,
      role,
      definitions: request.definitions ?? null,
      payloads,
      expires,
    });
    await keepOperation(tx, "key.create", by, { id });
    return { row: await readKey(tx, name), key };
  }) as Promise<CreatedKey>;
}

/** Makes a key useless; one that is so already stays as it is. @throws Refusal `key.unknown` */
export async function revokeKey(sql: Sql, name: string, reason: string, by: Operator): Promise<KeyRow> {
  const scope = `key.revoke/${name}`;
  return sql.begin(async (tx) => {
    await lockKeys(tx);
    if ((await claimOperation(tx, scope, by, { reason })) !== null) return readKey(tx, name);
    const { id } = await readKey(tx, name);
    await tx`
      update timeline.api_key set revoked_at = clock_timestamp() where name = ${name} and revoked_at is null
    `;
    await audit(tx, "key.revoke", name, reason, by, { id });
    await keepOperation(tx, scope, by, { id });
    return readKey(tx, name);
  }) as Promise<KeyRow>;
}

/** What is kept of a key. */
export function hashOf(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}

/** Whether a first key is being made must not be asked by two at once. */
async function lockKeys(tx: Tx): Promise<void> {
  await tx`select pg_advisory_xact_lock(hashtextextended('api_key', 3))`;
}

async function refuseUnfit(tx: Tx, name: string, role: Role): Promise<void> {
  const [found] = await tx<{ made: boolean; taken: boolean }[]>`
    select count(*) > 0 as made, coalesce(bool_or(name = ${name}), false) as taken from timeline.api_key
  `;
  if (found?.taken === true) {
    const hint = "Take another name: the audit tells holders apart by it, also those whose key was revoked.";
    throw new Refusal("key.name-taken", `there was a key "${name}" already`, hint);
  }
  if (found?.made !== true && role !== "admin") {
    const hint = "Make an admin's key first, keep it, and make this one with it.";
    throw new Refusal("key.first-admin", `the first key would be a ${role}'s, and close the API to every admin`, hint);
  }
}

async function readKey(tx: Tx, name: string): Promise<KeyRow> {
  const [row] = await tx<KeyRow[]>`
    select id, name, role, definitions, payloads, created_at, created_by, expires_at, revoked_at
    from timeline.api_key where name = ${name}
  `;
  if (row !== undefined) return row;
  throw new Refusal("key.unknown", `there is no key "${name}"`, "GET /v1/keys, or `ekiden keys list`, shows them.");
}

async function audit(
  tx: Tx,
  action: string,
  target: string,
  reason: string,
  { actor }: Operator,
  after: { readonly [name: string]: Json },
): Promise<void> {
  await tx`
    insert into timeline.audit (id, actor, action, target, reason, after)
    values (${newId()}, ${actor}, ${action}, ${target}, ${reason}, ${tx.json(after)})
  `;
}
