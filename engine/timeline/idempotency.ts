import { createHash } from "node:crypto";
import type { Json } from "../core/json.ts";
import { Refusal } from "../core/refusal.ts";
import type { Sql, Tx, Write } from "./database.ts";

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

/** What an earlier call under a key left: the hash of its request and its answer. */
export interface Kept {
  readonly hash: string;
  readonly response: Json;
}

/** What calls under some keys have left, found by scope and key. */
export async function readAnswers(
  tx: Tx,
  keys: readonly { readonly scope: string; readonly key: string }[],
): Promise<(scope: string, key: string) => Kept | undefined> {
  if (keys.length === 0) return () => undefined;
  const rows = await tx<{ scope: string; idempotency_key: string; body_hash: string; response: Json }[]>`
    select k.scope, k.idempotency_key, k.body_hash, k.response
    from jsonb_to_recordset(${tx.json(keys)}) as w (scope text, key text)
    join timeline.start_key k on k.scope = w.scope and k.idempotency_key = w.key and k.expires_at >= clock_timestamp()
  `;
  return (scope, key) => {
    const row = rows.find((one) => one.scope === scope && one.idempotency_key === key);
    return row === undefined ? undefined : { hash: row.body_hash, response: row.response };
  };
}

/** What a call under a key leaves. */
export interface NewAnswer {
  readonly scope: string;
  readonly key: string;
  readonly hash: string;
  readonly sagaId: string;
  readonly messageId: string;
  readonly answer: Json;
}

/** Claims keys and keeps their answers. Only where a lock keeps others from the same scope: nobody can claim one meanwhile. */
export function answerInserts(tx: Tx, answers: readonly NewAnswer[]): readonly Write[] {
  if (answers.length === 0) return [];
  const insert = tx`
    insert into timeline.start_key as k (idempotency_key, scope, body_hash, saga_id, message_id, response, expires_at)
    select w.key, w.scope, w.hash, w."sagaId", w."messageId", w.answer, clock_timestamp() + ${KEPT}::interval
    from jsonb_to_recordset(${tx.json(answers as never)}) as w (key text, scope text, hash text, "sagaId" text,
      "messageId" text, answer jsonb)
    on conflict (scope, idempotency_key) do update set body_hash = excluded.body_hash, saga_id = excluded.saga_id,
      message_id = excluded.message_id, response = excluded.response, expires_at = excluded.expires_at
      where k.expires_at < clock_timestamp()
  `;
  return [insert];
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

/** Removes keys that are remembered no more, at most so many. Returns how many; those that are being claimed anew are left. */
export async function removeExpired(sql: Sql, limit: number): Promise<number> {
  const { count } = await sql`
    delete from timeline.start_key k
    using (
      select q.scope, q.idempotency_key from timeline.start_key q where q.expires_at < statement_timestamp()
      order by q.expires_at limit ${limit} for update skip locked
    ) w
    where k.scope = w.scope and k.idempotency_key = w.idempotency_key
  `;
  return count;
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
