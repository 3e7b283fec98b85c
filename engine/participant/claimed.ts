import type { Json, JsonObject } from "../core/json.ts";
import type { JsonValue, StepContext } from "../sdk.ts";
import { together, type Tx } from "../timeline/database.ts";
import { newId } from "../timeline/ids.ts";
import { mayStillAppear } from "../timeline/may-still-appear.ts";
import type { Unit } from "../timeline/store.ts";
import { fromWire, type Wire, wireOf, type WrittenRow } from "../timeline/wire.ts";
import { claimMessage, foreignMessage, storable } from "../transport/foreign.ts";
import type { Delivery } from "../transport/port.ts";
import type { CallResult, ContextParts } from "./call.ts";

/** A command or compensation as the claim hands it out. */
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
  readonly answer: Wire | null;
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

/** A delivery whose request cannot be seen yet: it comes again in a moment. */
export class Early extends Error {
  constructor() {
    super("the request of this message cannot be seen yet");
  }
}

/** Claims one delivery, or records it as foreign. Null: there is nothing to run. @throws Early */
export async function claimOne(unit: Unit, group: string, delivery: Delivery, consumer: string, external: boolean) {
  const [opened] = await open(unit, group, [delivery]);
  if (opened?.verdict === "early") throw new Early();
  if (opened?.verdict === "foreign") {
    await recordForeign(unit.tx, group, delivery, consumer);
    return { request: null, now: opened.now };
  }
  const { claims, now } = await claim(unit, group, [delivery], consumer, external);
  return { request: claims[0]?.request ?? null, now };
}

/** Records a delivery that nobody of ours wrote as an error row; the consumer goes on. */
export async function recordForeign(tx: Tx, group: string, delivery: Delivery, consumer: string): Promise<void> {
  const reason = "the event store has no such request for this group";
  await tx`select timeline.record_foreign(${group}, ${tx.json(foreignMessage(delivery, consumer) as never)}, ${reason})`;
}

/**
 * What opening a batch says of one delivery. `claim`: `timeline.claim_batch` must judge it; `foreign`: the event store
 * asked for no such message; `early`: it may have, and the row cannot be seen yet.
 */
export interface Opened {
  readonly ordinal: number;
  readonly verdict: "run" | "later" | "claim" | "foreign" | "early";
  readonly request: CommandRequest;
  readonly now: Date;
  /** Of the transaction. */
  readonly xid: string;
}

/**
 * Locks the steps of a batch and hands out the commands that nobody has claimed. Writes nothing: `close` does. `epoch`: what
 * the transaction is fenced by first; null: it is already, or nobody owns the transport.
 */
export async function open(
  unit: Unit,
  group: string,
  deliveries: readonly Delivery[],
  epoch: number | null = null,
): Promise<readonly Opened[]> {
  const { tx } = unit;
  const header = (name: string) => deliveries.map(({ headers }) => storable(headers[name] ?? ""));
  const opening = tx<Opened[]>`
    select ordinal, verdict, request, now, xid
    from timeline.open_batch(${group}, ${tx.array(header("id"))}::text[],
      ${tx.array(deliveries.map(({ topic }) => topic))}::text[], ${tx.array(header("step_key"))}::text[],
      ${epoch}::bigint)
  `;
  // Sent at once: the transaction gets its id behind it.
  const opened = await opening.execute();
  return opened.map((one) => {
    const delivery = deliveries[one.ordinal] as Delivery;
    if (isOurs(one.request, delivery)) return one;
    const isAbsent = (one.request.messageId as string | null) === null;
    return { ...one, verdict: isAbsent && mayStillAppear(delivery) ? "early" : "foreign" };
  });
}

/**
 * As `open`, of commands that this process has written itself and that nobody has handled before: what they ask for is known,
 * and only whether it is still wanted is looked up.
 */
export async function openOwn(
  unit: Unit,
  group: string,
  deliveries: readonly Delivery[],
  epoch: number | null,
): Promise<readonly Opened[]> {
  const { tx } = unit;
  const requests = deliveries.map(ownRequest);
  const opening = tx<{ now: Date; xid: string; others: readonly number[] }[]>`
    select now, xid, others
    from timeline.open_own(${group}, ${tx.array(requests.map(({ messageId }) => messageId))}::text[],
      ${tx.array(requests.map(({ stepKey }) => stepKey))}::text[],
      ${tx.array(requests.map(({ type }) => String(type === "compensation.requested")))}::text[]::boolean[], ${epoch}::bigint)
  `;
  const [opened] = await opening.execute();
  const { now, xid, others } = opened as { now: Date; xid: string; others: readonly number[] };
  const seen = new Set<string>();
  return requests.map((request, ordinal) => {
    const isSecond = seen.has(request.stepKey);
    seen.add(request.stepKey);
    const verdict = isSecond ? "later" : others.includes(ordinal) ? "claim" : "run";
    return { ordinal, verdict, request, now, xid };
  });
}

/** Whether a batch may be opened by `openOwn`. */
export function areOwn(deliveries: readonly Delivery[]): boolean {
  return deliveries.every(({ own }) => own === true);
}

function ownRequest({ key, headers, value }: Delivery): CommandRequest {
  return {
    messageId: headers["id"] as string,
    type: headers["type"] as CommandRequest["type"],
    sagaId: key as string,
    saga: headers["saga"] as string,
    stepKey: headers["step_key"] as string,
    action: headers["action"] as string,
    attempt: Number(headers["attempt"]),
    traceparent: headers["traceparent"] ?? null,
    headers: JSON.parse(headers["headers"] ?? "null") as JsonObject | null,
    body: JSON.parse(value as string) as CommandRequest["body"],
  };
}

/**
 * False for a message that was not asked for, and for a copy of one that was: its id is right, but its key would break
 * the order of the saga's messages, or its action would have it run as what it is not.
 */
function isOurs(stored: CommandRequest | { readonly messageId: null }, { key, headers }: Delivery): boolean {
  return (
    stored.messageId !== null &&
    stored.sagaId === key &&
    stored.action === (headers["action"] ?? null) &&
    stored.type === headers["type"]
  );
}

/** A command of an opened batch whose handler succeeded. */
export interface Ended {
  readonly request: CommandRequest;
  readonly delivery: Delivery;
  readonly output: Json;
  readonly startedAt: Date;
}

/**
 * Ends commands of an opened batch: claim, guard and answer in one statement, which travels with the commit and fails it
 * when one of them was taken meanwhile.
 */
export function close(unit: Unit, group: string, ended: readonly Ended[], consumer: string): void {
  if (ended.length === 0) return;
  const answers = new Map(ended.map((one) => [newId(), one]));
  const rows = [...answers].map(([answerId, { request, delivery, output, startedAt }]) => {
    const { partition, offset, timestamp, receivedAt } = claimMessage(delivery, consumer);
    const place = { partition, offset, timestamp, receivedAt, startedAt: startedAt.toISOString() };
    return { messageId: request.messageId, answerId, output, ...place };
  });
  const announced = [...answers]
    .filter(([, { request }]) => request.headers?.["notify"] !== true)
    .map(([messageId, { request }]) => ({ messageId, key: request.sagaId }));
  const { tx } = unit;
  const statement = tx<WrittenRow[]>`
    select message_id, requested_at, xid, body
    from timeline.close_batch(${group}, ${tx.json(rows as never)}, ${consumer}, ${announced.length})
  `;
  const producer = `${group}@${consumer}`;
  unit.sendWriting(announced, statement, (written) =>
    written.map((row) => wireOf(answerParts(answers.get(row.message_id) as Ended, producer), row)),
  );
}

function answerParts({ request }: Ended, producer: string) {
  return {
    correlationId: request.sagaId,
    causationId: request.messageId,
    topic: "timeline",
    messageType: request.type === "step.requested" ? "step.succeeded" : "compensation.succeeded",
    producer,
    saga: request.saga,
    stepKey: request.stepKey,
    action: request.action,
    attempt: request.attempt,
    traceparent: request.traceparent,
  };
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
  const written = await unit.tx<{ row: Wire }[]>`
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
