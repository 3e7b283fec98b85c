import type { Json } from "../core/json.ts";
import type { RefusalCode } from "../core/refusal.ts";
import type { SagaStatus } from "../core/state.ts";
import type { Delivery } from "../transport/port.ts";
import type { Tx, Write } from "./database.ts";

/** The dispatcher's record of one event. */
export interface DispatcherConsumption {
  readonly messageId: string;
  readonly correlationId: string;
  readonly messageKey: string;
  /** Absent: applied in the transaction that recorded the request; its delivery fills in the place. */
  readonly delivery?: Delivery;
  readonly consumer: string;
  /** The saga's sequence that it produced; null for a no-op. */
  readonly sequence: number | null;
  /** The saga's status after it; null for a no-op. */
  readonly status: SagaStatus | null;
  readonly semantics: number;
  readonly read: Json;
  readonly error?: { readonly code: string; readonly message: string };
  /** Nobody can have recorded it before: if somebody has, the transaction fails. */
  readonly first?: boolean;
  /** Why it had no effect, where whoever asked for it was told only that it is recorded. */
  readonly refused?: RefusalCode;
}

/** Records what the dispatcher consumed. The primary key decides; under the saga's lock nobody else can be at it. */
export function consumptionWrites(tx: Tx, rows: readonly DispatcherConsumption[]): readonly Write[] {
  if (rows.length === 0) return [];
  const first = rows.filter((row) => row.first === true);
  const maybe = rows.filter((row) => row.first !== true);
  const failed = rows.filter((row) => row.error !== undefined).map((row) => row.messageId);
  return [
    ...(first.length === 0 ? [] : [insertFirst(tx, first)]),
    ...(maybe.length === 0 ? [] : [upsertConsumptions(tx, maybe)]),
    ...(failed.length === 0 ? [] : [insertFailures(tx, failed)]),
  ];
}

/** An event that somebody has recorded meanwhile must not move its saga: the unique key fails the transaction. */
function insertFirst(tx: Tx, rows: readonly DispatcherConsumption[]): Write {
  return tx`
    insert into timeline.event_consumption (consumer_group, message_id, correlation_id, topic, message_key, partition,
      "offset", consumer, recorded_at, received_at, consumed_at, error_flag, error_code, error_message, sequence, semantics, read,
      status, xid)
    select 'dispatcher', w.message_id, w.correlation_id, 'timeline', w.message_key, w.partition, w."offset", w.consumer,
      w.recorded_at, w.received_at, clock_timestamp(), w.error_flag, w.error_code, w.error_message, w.sequence,
      w.semantics, w.read, w.status, case when w.status is not null then pg_current_xact_id() end
    from jsonb_to_recordset(${tx.json(rows.map(toRow) as never)}) as w (message_id text, correlation_id text, message_key text,
      partition integer, "offset" bigint, consumer text, recorded_at timestamptz, received_at timestamptz, error_flag boolean,
      error_code text, error_message text, sequence bigint, semantics integer, read jsonb, status text)
  `;
}

function upsertConsumptions(tx: Tx, rows: readonly DispatcherConsumption[]): Write {
  return tx`
    insert into timeline.event_consumption as c (consumer_group, message_id, correlation_id, topic, message_key, partition,
      "offset", consumer, recorded_at, received_at, consumed_at, error_flag, error_code, error_message, sequence, semantics, read,
      status, xid)
    select 'dispatcher', w.message_id, w.correlation_id, 'timeline', w.message_key, w.partition, w."offset", w.consumer,
      w.recorded_at, w.received_at, clock_timestamp(), w.error_flag, w.error_code, w.error_message, w.sequence,
      w.semantics, w.read, w.status, case when w.status is not null then pg_current_xact_id() end
    from jsonb_to_recordset(${tx.json(rows.map(toRow) as never)}) as w (message_id text, correlation_id text, message_key text,
      partition integer, "offset" bigint, consumer text, recorded_at timestamptz, received_at timestamptz, error_flag boolean,
      error_code text, error_message text, sequence bigint, semantics integer, read jsonb, status text)
    on conflict (consumer_group, message_id) do update set attempts = c.attempts + 1, error_flag = excluded.error_flag,
      error_code = excluded.error_code, error_message = excluded.error_message, consumed_at = excluded.consumed_at,
      sequence = excluded.sequence, semantics = excluded.semantics, read = excluded.read, partition = excluded.partition,
      "offset" = excluded."offset", consumer = excluded.consumer, status = excluded.status, xid = excluded.xid
      where c.error_flag or c.consumed_at is null
  `;
}

function toRow(row: DispatcherConsumption): Record<string, Json> {
  return {
    message_id: row.messageId,
    correlation_id: row.correlationId,
    message_key: row.messageKey,
    partition: row.delivery?.partition ?? null,
    offset: row.delivery?.offset ?? null,
    consumer: row.consumer,
    recorded_at: row.delivery?.recordedAt.toISOString() ?? null,
    received_at: row.delivery?.receivedAt.toISOString() ?? null,
    error_flag: row.error !== undefined,
    error_code: row.error?.code ?? row.refused ?? null,
    error_message: row.error?.message ?? null,
    sequence: row.sequence,
    semantics: row.semantics,
    read: row.read,
    status: row.status,
  };
}

function insertFailures(tx: Tx, messageIds: readonly string[]): Write {
  return tx`
    insert into timeline.event_consumption_failure (consumer_group, message_id, attempt, topic, partition, "offset", consumer,
      code, message)
    select consumer_group, message_id, attempts, topic, partition, "offset", consumer, error_code, error_message
    from timeline.event_consumption
    where consumer_group = 'dispatcher' and message_id = any (${tx.array([...messageIds])}::text[])
    on conflict do nothing
  `;
}

/** Fills in where messages lie that were applied before they travelled. */
export function placeWrites(
  tx: Tx,
  deliveries: readonly { readonly messageId: string; readonly delivery: Delivery }[],
): readonly Write[] {
  if (deliveries.length === 0) return [];
  const rows = deliveries.map(({ messageId, delivery }) => ({
    message_id: messageId,
    partition: delivery.partition,
    offset: delivery.offset,
    recorded_at: delivery.recordedAt.toISOString(),
    received_at: delivery.receivedAt.toISOString(),
  }));
  // The ids stand in it twice: by the join alone the planner may begin with all rows that have no place, of which an empty
  // table lets it expect one, and keep this plan for ever (measured: 7 ms a batch after 1,000 sagas, rising).
  const update = tx`
    update timeline.event_consumption c set partition = w.partition, "offset" = w."offset", recorded_at = w.recorded_at,
      received_at = w.received_at
    from jsonb_to_recordset(${tx.json(rows)}) as w (message_id text, partition integer, "offset" bigint,
      recorded_at timestamptz, received_at timestamptz)
    where c.consumer_group = 'dispatcher' and c.message_id = any (${tx.array(rows.map(({ message_id }) => message_id))}::text[])
      and c.message_id = w.message_id and c.partition is null
  `;
  return [update];
}
