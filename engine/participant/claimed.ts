import type { Json, JsonObject } from "../core/json.ts";
import type { JsonValue, StepContext } from "../sdk.ts";
import { together, type Tx } from "../timeline/database.ts";
import { newId } from "../timeline/ids.ts";
import { fromWire, type Unit } from "../timeline/store.ts";
import { claimMessage, foreignMessage } from "../transport/foreign.ts";
import type { CommittedRequest, Delivery } from "../transport/port.ts";
import type { CallResult, ContextParts } from "./call.ts";

/** A command or compensation as `timeline.claim_batch` hands it out. */
export interface CommandRequest {
  readonly messageId: string;
  readonly type: "step.requested" | "compensation.requested";
  readonly sagaId: string;
  readonly saga: string;
  readonly stepKey: string;
  readonly action: string;
  readonly attempt: number;
  readonly traceparent: string | null;
  readonly headers: JsonObject | null;
  readonly body: {
    readonly input: Json;
    readonly compensates?: { readonly stepKey: string; readonly input: Json; readonly output?: Json };
  };
}

/** What the claim says of one delivery. */
export interface Claim {
  readonly ordinal: number;
  readonly verdict: "run" | "skip" | "answered" | "refused" | "foreign" | "later";
  readonly request: CommandRequest | null;
  readonly answer: (Omit<CommittedRequest, "requestedAt"> & { readonly requestedAt: string }) | null;
}

/** Claims deliveries, records the foreign ones, hands over answers that were given again; returns all claims and the time. */
export async function claim(
  unit: Unit,
  group: string,
  deliveries: readonly Delivery[],
  consumer: string,
  external: boolean,
) {
  const { tx } = unit;
  const messages = deliveries.map((delivery) => ({ ...claimMessage(delivery, consumer), answerId: newId() }));
  const [claims, [clock]] = await together([
    tx<Claim[]>`
      select ordinal, verdict, request, answer from timeline.claim_batch(${group}, ${tx.json(messages)}, ${external})
    `,
    tx<{ now: Date }[]>`select clock_timestamp() as now`,
  ]);
  for (const { ordinal, verdict } of claims) {
    const delivery = deliveries[ordinal];
    if (verdict === "foreign" && delivery !== undefined) await recordForeign(tx, group, delivery, consumer);
  }
  unit.written(claims.flatMap(({ answer }) => (answer === null ? [] : [fromWire(answer)])));
  return { claims: [...claims], now: (clock as { now: Date }).now };
}

async function recordForeign(tx: Tx, group: string, delivery: Delivery, consumer: string): Promise<void> {
  const reason = "the event store has no such request for this group";
  await tx`select timeline.record_foreign(${group}, ${tx.json(foreignMessage(delivery, consumer) as never)}, ${reason})`;
}

/** Answers claimed commands in the same transaction; what was written is handed over with the commit. */
export async function answer(
  unit: Unit,
  group: string,
  answers: readonly { readonly request: CommandRequest; readonly result: CallResult }[],
  consumer: string,
): Promise<void> {
  if (answers.length === 0) return;
  const rows = answers.map(({ request, result }) => {
    const { outcome, ...body } = result;
    return { messageId: request.messageId, answerId: newId(), outcome, body };
  });
  const written = await unit.tx<{ row: NonNullable<Claim["answer"]> }[]>`
    select row from timeline.answer_batch(${group}, ${unit.tx.json(rows as never)}, ${consumer}) as row
  `;
  unit.written(written.map(({ row }) => fromWire(row)));
}

/** What the handler knows of its call. */
export function contextOf(request: CommandRequest, parts: ContextParts): StepContext {
  const { compensates } = request.body;
  const base = {
    sagaId: request.sagaId,
    saga: request.saga,
    stepKey: request.stepKey,
    idempotencyKey: compensates === undefined ? request.stepKey : `${request.stepKey}#compensate`,
    messageId: request.messageId,
    attempt: request.attempt,
    newId,
    ...parts,
  };
  return compensates === undefined
    ? base
    : { ...base, compensates: compensates as { stepKey: string; input: JsonValue; output?: JsonValue } };
}
