import type { JsonObject } from "../core/json.ts";
import type { SagaFacts, SagaState } from "../core/state.ts";
import type { Tx } from "./database.ts";
import type { EventRow } from "./event-row.ts";

/** One row of `timeline.saga`, as a transition needs it. */
export interface SagaRow {
  readonly id: string;
  readonly definition: string;
  readonly version: number;
  readonly revision: string;
  readonly status: string;
  sequence: number;
  unapplied: number;
  readonly key: string | null;
  readonly input: JsonObject;
  state: SagaState | null;
  readonly traceparent: string | null;
  /** The engine process that wrote last. */
  readonly writer: string | null;
  readonly started_at: Date;
  readonly parent_id: string | null;
  readonly parent_path: string | null;
}

/**
 * Takes the locks of the sagas, in key order. Always the first statement of its transaction (reliability R6), also among
 * those that are sent with it: a statement that is only awaited is sent a little later than one that is executed.
 */
export async function lockSagas(tx: Tx, sagaIds: readonly string[]): Promise<void> {
  await tx`select timeline.lock_sagas(${tx.array([...sagaIds])}::text[])`.execute();
}

/** Reads sagas under their locks, each with a snapshot taken after the lock. */
export async function readSagas(tx: Tx, sagaIds: readonly string[]): Promise<Map<string, SagaRow>> {
  const rows = await tx<SagaRow[]>`
    select id, definition, version, revision, status, sequence, unapplied, key, input, state, traceparent, writer, started_at,
      parent_id, parent_path
    from timeline.saga where id = any (${tx.array([...sagaIds])}::text[])
  `;
  return new Map(rows.map((row) => [row.id, row]));
}

/** An event in the store, whether the dispatcher is done with it, and whether it counts in `saga.unapplied`. */
export type StoredEvent = EventRow & { readonly done: boolean; readonly counted: boolean };

/** The timeline's events behind a batch of deliveries, and whether the dispatcher is done with them. */
export async function readEvents(tx: Tx, messageIds: readonly string[]): Promise<Map<string, StoredEvent>> {
  const rows = await tx<StoredEvent[]>`
    select r.message_id, r.correlation_id, r.topic, r.message_key, r.message_type, r.saga, r.step_key, r.attempt,
      r.traceparent, r.message_body, coalesce(c.done, false) as done,
      coalesce(r.message_headers->>'applied' = 'false', false) as counted
    from unnest(${tx.array([...messageIds])}::text[]) i (message_id)
    cross join lateral (
      select q.* from timeline.event_request q where q.message_id = i.message_id offset 0
    ) r
    left join lateral (
      select q.consumed_at is not null and not q.error_flag as done from timeline.event_consumption q
      where q.consumer_group = 'dispatcher' and q.message_id = i.message_id offset 0
    ) c on true
  `;
  return new Map(rows.map((row) => [row.message_id, row]));
}

/** What of a saga never changes, for `decide`. */
export function factsOf(row: SagaRow): SagaFacts {
  const { id, key, version, input, parent_id: sagaId, parent_path: path } = row;
  const parent = sagaId === null || path === null ? {} : { parent: { sagaId, path } };
  return { id, key, version, input, startedAt: row.started_at.toISOString(), ...parent };
}

/** The database's time, to the millisecond. */
export async function databaseNow(tx: Tx): Promise<Date> {
  const [row] = await tx<{ now: Date }[]>`select date_trunc('milliseconds', clock_timestamp()) as now`;
  return (row as { now: Date }).now;
}
