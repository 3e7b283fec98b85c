import { createHash } from "node:crypto";
import type { Json } from "../core/json.ts";
import { Refusal } from "../core/refusal.ts";
import type { Sql, Tx } from "./database.ts";

/** How long an Idempotency-Key is remembered. */
export const KEPT = "7 days";

interface KeyRow {
  body_hash: string;
  saga_id: string;
  response: Json;
}

/** What an earlier call under the same key left. */
export interface Earlier {
  readonly sagaId: string;
  readonly response: Json;
}

/**
 * Claims an Idempotency-Key inside the call's transaction; the unique key decides, so two equal calls at once end as one.
 * Returns what the earlier call left, or null for the first.
 * @throws Refusal `saga.idempotency-mismatch` when the key was used with another request.
 */
export async function claimKey(
  tx: Tx,
  scope: string,
  key: string,
  request: Json,
  sagaId: string,
): Promise<Earlier | null> {
  const hash = hashOf(request);
  await tx`delete from timeline.start_key where scope = ${scope} and idempotency_key = ${key} and expires_at < clock_timestamp()`;
  const claimed = await tx`
    insert into timeline.start_key (idempotency_key, scope, body_hash, saga_id, expires_at)
    values (${key}, ${scope}, ${hash}, ${sagaId}, clock_timestamp() + ${KEPT}::interval)
    on conflict (scope, idempotency_key) do nothing
    returning idempotency_key
  `;
  if (claimed.length === 1) return null;
  const [row] = await tx<KeyRow[]>`
    select body_hash, saga_id, response from timeline.start_key where scope = ${scope} and idempotency_key = ${key}
  `;
  if (row === undefined || row.body_hash !== hash) throw keyMismatch(key);
  return { sagaId: row.saga_id, response: row.response };
}

/**
 * What an earlier call under the same key left, without claiming the key: null when there is none that has ended.
 * @throws Refusal `saga.idempotency-mismatch` when the key was used with another request.
 */
export async function readKey(sql: Sql, scope: string, key: string, request: Json): Promise<Earlier | null> {
  const [row] = await sql<KeyRow[]>`
    select body_hash, saga_id, response from timeline.start_key
    where scope = ${scope} and idempotency_key = ${key} and expires_at >= clock_timestamp()
  `;
  if (row === undefined) return null;
  if (row.body_hash !== hashOf(request)) throw keyMismatch(key);
  return { sagaId: row.saga_id, response: row.response };
}

/** Keeps the answer that equal calls will get. */
export async function keepAnswer(
  tx: Tx,
  scope: string,
  key: string,
  sagaId: string,
  messageId: string | null,
  response: Json,
): Promise<void> {
  await tx`
    update timeline.start_key set saga_id = ${sagaId}, message_id = ${messageId}, response = ${tx.json(response as never)}
    where scope = ${scope} and idempotency_key = ${key}
  `;
}

/** What tells one request from another under the same key. */
export function hashOf(request: Json): string {
  return createHash("sha256").update(canonical(request)).digest("hex");
}

/** The refusal of a key that was used with another request. */
export function keyMismatch(key: string): Refusal {
  const hint = "Use a new Idempotency-Key for a new request.";
  return new Refusal("saga.idempotency-mismatch", `Idempotency-Key "${key}" was used with another request`, hint);
}

/** JSON text with sorted keys: the same request in another order of fields is the same request. */
export function canonical(value: Json): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
