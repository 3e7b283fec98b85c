import type { Json } from "../core/json.ts";
import type { Sql, Tx } from "../timeline/database.ts";
import { claimKey, keepAnswer, readKey } from "../timeline/idempotency.ts";

/** Who acts, and under which Idempotency-Key. */
export interface Operator {
  readonly actor: string;
  readonly idempotencyKey?: string;
}

/** The answer of an earlier call under the same key, or null: go on. @throws Refusal `saga.idempotency-mismatch` */
export async function claimOperation(tx: Tx, scope: string, by: Operator, request: Json): Promise<Json> {
  if (by.idempotencyKey === undefined) return null;
  return (await claimKey(tx, scope, by.idempotencyKey, request, ""))?.response ?? null;
}

/** The same before anything is looked at: what has been carried out may leave nothing to do for an equal call. */
export async function earlierOperation(sql: Sql, scope: string, by: Operator, request: Json): Promise<Json> {
  if (by.idempotencyKey === undefined) return null;
  return (await readKey(sql, scope, by.idempotencyKey, request))?.response ?? null;
}

/** Keeps the answer for equal calls. */
export async function keepOperation(tx: Tx, scope: string, by: Operator, answer: Json): Promise<void> {
  if (by.idempotencyKey !== undefined) await keepAnswer(tx, scope, by.idempotencyKey, "", null, answer);
}
