import type { Json } from "../core/json.ts";
import type { Sql } from "./database.ts";
import { type ConsumptionRow, type FailureRow, readConsumptions, readFailures } from "./read-consumptions.ts";

/** A row of `timeline.event_request`; of a foreign message what its consumption kept. */
export interface MessageRow {
  readonly message_id: string;
  readonly correlation_id: string | null;
  readonly causation_id: string | null;
  readonly topic: string;
  readonly message_key: string | null;
  readonly message_type: string | null;
  readonly saga: string | null;
  readonly step_key: string | null;
  readonly action: string | null;
  readonly attempt: number | null;
  readonly traceparent: string | null;
  readonly message_headers: Json;
  readonly message_body: Json;
  readonly producer: string | null;
  readonly requested_at: Date | null;
}

/** A message with what became of it. */
export interface MessageHistory {
  readonly message: MessageRow;
  readonly consumptions: readonly ConsumptionRow[];
  readonly failures: readonly FailureRow[];
}

/** Which messages to list. All that is given must hold, the first two of the same consumption. */
export interface MessageFilter {
  /** True: a consumption of it is in error. False: none is. */
  readonly error?: boolean | undefined;
  readonly group?: string | undefined;
  readonly topic?: string | undefined;
  readonly sagaId?: string | undefined;
  /** `<id of the saga>/<path>`. */
  readonly stepKey?: string | undefined;
  /** Only messages of sagas of these definitions. */
  readonly definitions?: readonly string[] | undefined;
  /** Only messages older than this one. */
  readonly before?: string | undefined;
  readonly limit: number;
}

/** Messages, newest first. */
export async function listMessages(sql: Sql, filter: MessageFilter): Promise<readonly MessageHistory[]> {
  const consumed = filter.error === true || filter.group !== undefined;
  const ids = await (consumed ? consumedIds(sql, filter) : requestedIds(sql, filter));
  const found = await readMessages(
    sql,
    ids.map((row) => row.message_id),
  );
  return found.sort((a, b) => (a.message.message_id < b.message.message_id ? 1 : -1));
}

/** Messages by id with their consumptions and failures; ids of none are left out. Any order. */
export async function readMessages(sql: Sql, ids: readonly string[]): Promise<MessageHistory[]> {
  if (ids.length === 0) return [];
  const [requests, consumptions, failures] = await Promise.all([
    readRequests(sql, ids),
    readConsumptions(sql, ids),
    readFailures(sql, ids),
  ]);
  const requested = new Set(requests.map((row) => row.message_id));
  const missing = ids.filter((id) => !requested.has(id));
  const foreign = missing.length === 0 ? [] : await readForeign(sql, missing);
  return withHistory([...requests, ...foreign], consumptions, failures);
}

/** Puts each consumption and failure to its message. */
export function withHistory(
  messages: readonly MessageRow[],
  consumptions: readonly ConsumptionRow[],
  failures: readonly FailureRow[],
): MessageHistory[] {
  const consumptionsOf = Map.groupBy(consumptions, (row) => row.message_id);
  const failuresOf = Map.groupBy(failures, (row) => row.message_id);
  return messages.map((message) => ({
    message,
    consumptions: consumptionsOf.get(message.message_id) ?? [],
    failures: failuresOf.get(message.message_id) ?? [],
  }));
}

const ULID_LENGTH = 26;

interface IdRow {
  readonly message_id: string;
}

function requestedIds(
  sql: Sql,
  { error, topic, sagaId, stepKey, definitions, before, limit }: MessageFilter,
): Promise<readonly IdRow[]> {
  const noError = sql`and not exists (
    select from timeline.event_consumption c where c.message_id = r.message_id and c.error_flag
  )`;
  return sql<IdRow[]>`
    select r.message_id
    from timeline.event_request r
    where true
      ${sagaId === undefined ? sql`` : sql`and r.correlation_id = ${sagaId}`}
      ${stepKey === undefined ? sql`` : sql`and ${isAbout(sql, stepKey)}`}
      ${topic === undefined ? sql`` : sql`and r.topic = ${topic}`}
      ${definitions === undefined ? sql`` : sql`and ${isOf(sql, definitions)}`}
      ${error === false ? noError : sql``}
      ${before === undefined ? sql`` : sql`and r.message_id < ${before}`}
    order by r.message_id desc
    limit ${limit}
  `;
}

function consumedIds(
  sql: Sql,
  { error, group, topic, sagaId, stepKey, definitions, before, limit }: MessageFilter,
): Promise<readonly IdRow[]> {
  // The comparison with a boolean literal lets the partial index over errors be used.
  const flag = error === undefined ? sql`` : error ? sql`and c.error_flag` : sql`and not c.error_flag`;
  // Requests are indexed by saga, consumptions are not; a message without a request belongs to no saga.
  const ofSaga = sql`and c.message_id in (
    select r.message_id from timeline.event_request r where r.correlation_id = ${sagaId ?? null}
  )`;
  const ofStep = (key: string) => sql`and c.message_id in (
    select r.message_id from timeline.event_request r where ${isAbout(sql, key)}
  )`;
  return sql<IdRow[]>`
    select distinct c.message_id
    from timeline.event_consumption c
    where true
      ${flag}
      ${group === undefined ? sql`` : sql`and c.consumer_group = ${group}`}
      ${topic === undefined ? sql`` : sql`and c.topic = ${topic}`}
      ${sagaId === undefined ? sql`` : ofSaga}
      ${stepKey === undefined ? sql`` : ofStep(stepKey)}
      ${
        definitions === undefined
          ? sql``
          : sql`and exists (
              select from timeline.event_request r where r.message_id = c.message_id and ${isOf(sql, definitions)}
            )`
      }
      ${before === undefined ? sql`` : sql`and c.message_id < ${before}`}
    order by c.message_id desc
    limit ${limit}
  `;
}

/** The request `r` is about a step. Its saga, which its key begins with, is indexed; the key is not. */
function isAbout(sql: Sql, stepKey: string) {
  return sql`r.correlation_id = ${stepKey.slice(0, ULID_LENGTH)} and r.step_key = ${stepKey}`;
}

/** The request `r` belongs to a saga of one of these definitions. */
function isOf(sql: Sql, definitions: readonly string[]) {
  return sql`exists (
    select from timeline.saga s where s.id = r.correlation_id and s.definition = any(${[...definitions]})
  )`;
}

function readRequests(sql: Sql, ids: readonly string[]): Promise<readonly MessageRow[]> {
  return sql<MessageRow[]>`
    select message_id, correlation_id, causation_id, topic, message_key, message_type, saga, step_key, action, attempt,
      traceparent, message_headers, message_body, producer, requested_at
    from timeline.event_request
    where message_id = any(${[...ids]})
  `;
}

/** Several groups may have met the same foreign message. */
function readForeign(sql: Sql, ids: readonly string[]): Promise<readonly MessageRow[]> {
  return sql<MessageRow[]>`
    select distinct on (message_id) message_id, correlation_id, null as causation_id, topic, message_key,
      null as message_type, null as saga, null as step_key, null as action, null::integer as attempt, null as traceparent,
      message_headers, message_body, null as producer, null::timestamptz as requested_at
    from timeline.event_consumption
    where message_id = any(${[...ids]})
    order by message_id, started_at
  `;
}
