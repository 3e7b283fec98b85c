import type { Json, JsonObject } from "../core/json.ts";
import type { Parent } from "../core/state.ts";
import { KEPT } from "./idempotency.ts";
import type { Statement, Tx, Write } from "./database.ts";
import type { Retired } from "./read-definitions.ts";

const SCOPE = "start";

/** An Idempotency-Key that an earlier start has used. */
export interface UsedKey {
  readonly idempotency_key: string;
  readonly body_hash: string;
  readonly saga_id: string;
}

/** Those of some Idempotency-Keys that are in use. */
export function readStartKeys(tx: Tx, keys: readonly string[]): Promise<readonly UsedKey[]> {
  return tx<UsedKey[]>`
    select idempotency_key, body_hash, saga_id from timeline.start_key
    where scope = ${SCOPE} and idempotency_key = any (${tx.array([...keys])}::text[]) and expires_at >= clock_timestamp()
  `;
}

/** A key to claim for a saga that is to be. */
export interface KeyClaim {
  readonly key: string;
  readonly hash: string;
  readonly sagaId: string;
}

/**
 * Claims Idempotency-Keys; the unique key decides, so two equal calls at once end as one. In the order of the keys, so
 * that two groups never wait for each other. Returns those that are ours.
 */
export async function claimStartKeys(tx: Tx, claims: readonly KeyClaim[]): Promise<ReadonlySet<string>> {
  if (claims.length === 0) return new Set();
  const keys = claims.map(({ key }) => key);
  await tx`
    delete from timeline.start_key
    where scope = ${SCOPE} and idempotency_key = any (${tx.array(keys)}::text[]) and expires_at < clock_timestamp()
  `;
  const rows = await tx<{ idempotency_key: string }[]>`
    insert into timeline.start_key (idempotency_key, scope, body_hash, saga_id, expires_at)
    select w.key, ${SCOPE}, w.hash, w."sagaId", clock_timestamp() + ${KEPT}::interval
    from jsonb_to_recordset(${tx.json(claims as never)}) as w (key text, hash text, "sagaId" text)
    order by w.key
    on conflict (scope, idempotency_key) do nothing
    returning idempotency_key
  `;
  return new Set(rows.map((row) => row.idempotency_key));
}

/** Lets an Idempotency-Key name another saga: the open one that has the business key. */
export async function keepStartKey(tx: Tx, key: string, sagaId: string): Promise<void> {
  await tx`update timeline.start_key set saga_id = ${sagaId} where scope = ${SCOPE} and idempotency_key = ${key}`;
}

/** Gives an Idempotency-Key back whose start was refused: nothing was changed. */
export async function freeStartKey(tx: Tx, key: string): Promise<void> {
  await tx`delete from timeline.start_key where scope = ${SCOPE} and idempotency_key = ${key}`;
}

/** The current revisions of some definitions, by name. */
export async function currentRevisions(tx: Tx, names: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const rows = await tx<{ name: string; revision: string }[]>`
    select name, revision from timeline.definition where name = any (${tx.array([...names])}::text[])
  `;
  return new Map(rows.map(({ name, revision }) => [name, revision]));
}

/** A definition of which a saga is to be started. */
export interface ToStart extends Retired {
  readonly revision: string;
}

/** As `currentRevisions`, for starts by calls, by the time and by messages: nothing is retired or restored before their end. */
export async function definitionsToStart(tx: Tx, names: readonly string[]): Promise<ReadonlyMap<string, ToStart>> {
  const rows = await tx<(ToStart & { readonly name: string })[]>`
    select name, revision, retired_at, retired_by, retired_reason
    from timeline.definitions_to_start(${tx.array([...names])}::text[])
  `;
  return new Map(rows.map((row) => [row.name, row]));
}

/** A place among the open sagas. */
export interface OpenClaim {
  readonly sagaId: string;
  readonly definition: string;
  /** Business key. */
  readonly key: string | null;
}

/**
 * Claims places among the open sagas; the unique business key decides, not a look before it. Returns the sagas that have
 * one; the others' keys are taken.
 */
export async function claimOpen(tx: Tx, claims: readonly OpenClaim[]): Promise<ReadonlySet<string>> {
  if (claims.length === 0) return new Set();
  const rows = await openInsert(tx, claims);
  return new Set(rows.map((row) => row.saga_id));
}

/** Places of sagas without a business key: nobody can have them. */
export function openInserts(tx: Tx, claims: readonly OpenClaim[]): readonly Write[] {
  return claims.length === 0 ? [] : [openInsert(tx, claims)];
}

function openInsert(tx: Tx, claims: readonly OpenClaim[]): Statement<{ saga_id: string }> {
  return tx<{ saga_id: string }[]>`
    insert into timeline.saga_open (saga_id, definition, key, status)
    select w."sagaId", w.definition, w.key, 'running'
    from jsonb_to_recordset(${tx.json(claims as never)}) as w ("sagaId" text, definition text, key text)
    order by w.definition, w.key
    on conflict (definition, key) where key is not null do nothing
    returning saga_id
  `;
}

/** The open saga that has a business key; undefined when it has ended meanwhile. */
export async function readOpen(
  tx: Tx,
  definition: string,
  key: string,
): Promise<{ readonly id: string; readonly input: Json } | undefined> {
  const [open] = await tx<{ id: string; input: Json }[]>`
    select s.id, s.input from timeline.saga_open o join timeline.saga s on s.id = o.saga_id
    where o.definition = ${definition} and o.key = ${key}
  `;
  return open;
}

/** A saga as it is born. */
export interface NewSaga {
  readonly id: string;
  readonly definition: string;
  readonly version: number;
  readonly revision: string;
  /** 1 while the dispatcher is paused: its `saga.started` is recorded and not applied. */
  readonly unapplied: number;
  readonly key: string | null;
  readonly labels: JsonObject;
  readonly input: JsonObject;
  readonly traceparent: string | null;
  readonly writer: string | null;
  readonly started_at: Date;
  /** Of a child saga. */
  readonly parent?: Parent;
}

/** Inserts sagas that have made no transition yet. */
export function sagaInserts(tx: Tx, sagas: readonly NewSaga[]): readonly Write[] {
  if (sagas.length === 0) return [];
  const insert = tx`
    insert into timeline.saga (id, definition, version, revision, status, sequence, unapplied, key, labels, input,
      traceparent, writer, started_at, updated_at)
    select w.id, w.definition, w.version, w.revision, 'running', 0, w.unapplied, w.key, w.labels, w.input, w.traceparent,
      w.writer, w.started_at, w.started_at
    from jsonb_to_recordset(${tx.json(sagas as never)}) as w (id text, definition text, version integer, revision text,
      unapplied integer, key text, labels jsonb, input jsonb, traceparent text, writer text, started_at timestamptz)
  `;
  return [insert];
}
