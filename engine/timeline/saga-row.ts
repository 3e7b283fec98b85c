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

/** Takes the locks of those sagas that nobody holds, without waiting for the others. Returns whose locks it has. */
export async function tryLockSagas(tx: Tx, sagaIds: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await tx<{ id: string }[]>`
    select id from unnest(${tx.array([...sagaIds])}::text[]) id where pg_try_advisory_xact_lock(hashtextextended(id, 1))
  `;
  return new Set(rows.map(({ id }) => id));
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

/** What a batch of the dispatcher begins with. */
export interface OpenedEvents {
  /** The events behind its deliveries, by message id. */
  readonly events: ReadonlyMap<string, StoredEvent>;
  readonly sagas: ReadonlyMap<string, SagaRow>;
  /** The database's time under the locks, to the millisecond. */
  readonly now: Date;
  readonly xid: string;
}

/** A row as one of this process's transactions left it, and which. */
export interface KnownSaga {
  readonly row: SagaRow;
  readonly xid: string;
}

/** What the dispatcher knows of a batch's sagas, and who it is, as their last writer. */
export interface Knowledge {
  readonly sagas: ReadonlyMap<string, KnownSaga>;
  readonly writer: string;
}

/** A saga's row, or that it is still the version that is known. */
type ReadSaga =
  | (Omit<SagaRow, "started_at"> & { readonly started_at: string })
  | { readonly id: string; readonly same: true };

interface OpenedRow {
  readonly opened: {
    readonly events: readonly StoredEvent[] | null;
    readonly sagas: readonly ReadSaga[] | null;
    readonly now: string;
    readonly xid: string;
  };
}

/** Fences the transaction, takes the locks of the sagas, and reads under them what is not known: its first statement. */
export async function openEvents(
  tx: Tx,
  epoch: number | null,
  sagaIds: readonly string[],
  messageIds: readonly string[],
  known: Knowledge,
): Promise<OpenedEvents> {
  const xids = sagaIds.map((id) => known.sagas.get(id)?.xid ?? null);
  const sequences = sagaIds.map((id) => known.sagas.get(id)?.row.sequence.toString() ?? null);
  const [row] = await tx<OpenedRow[]>`
    select timeline.open_events(${epoch}::bigint, ${tx.array([...sagaIds])}::text[], ${tx.array(xids)}::text[],
      ${tx.array(sequences)}::bigint[], ${known.writer},
      ${tx.array([...messageIds])}::text[]) as opened
  `;
  const { events, sagas, now, xid } = (row as OpenedRow).opened;
  const rows = (sagas ?? []).map((saga) =>
    "same" in saga ? (known.sagas.get(saga.id) as KnownSaga).row : { ...saga, started_at: new Date(saga.started_at) },
  );
  return {
    events: new Map((events ?? []).map((event) => [event.message_id, event])),
    sagas: new Map(rows.map((saga) => [saga.id, saga])),
    now: new Date(now),
    xid,
  };
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

/** The statuses of sagas, also as the same transaction has just written them. */
export async function readStatuses(tx: Tx, sagaIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (sagaIds.length === 0) return new Map();
  const rows = await tx<{ id: string; status: string }[]>`
    select id, status from timeline.saga where id = any (${tx.array([...sagaIds])}::text[])
  `;
  return new Map(rows.map(({ id, status }) => [id, status]));
}
