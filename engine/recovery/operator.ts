import type { Json } from "../core/json.ts";
import type { Tx } from "../timeline/database.ts";
import { claimKey, keepAnswer } from "../timeline/idempotency.ts";

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

/** Keeps the answer for equal calls. */
export async function keepOperation(tx: Tx, scope: string, by: Operator, answer: Json): Promise<void> {
  if (by.idempotencyKey !== undefined) await keepAnswer(tx, scope, by.idempotencyKey, "", null, answer);
}
