import type { Sql } from "./database.ts";

/** A row of `timeline.event_consumption`. */
export interface ConsumptionRow {
  readonly message_id: string;
  readonly consumer_group: string;
  readonly foreign_id: string | null;
  readonly partition: number | null;
  readonly offset: number | null;
  readonly consumer: string;
  readonly recorded_at: Date | null;
  readonly received_at: Date | null;
  readonly started_at: Date;
  readonly consumed_at: Date | null;
  readonly attempts: number;
  readonly error_flag: boolean;
  readonly error_code: string | null;
  readonly error_message: string | null;
  readonly sequence: number | null;
}

/** A row of `timeline.event_consumption_failure`. */
export interface FailureRow {
  readonly message_id: string;
  readonly consumer_group: string;
  readonly attempt: number;
  readonly partition: number | null;
  readonly offset: number | null;
  readonly consumer: string;
  readonly failed_at: Date;
  readonly code: string;
  readonly message: string;
  readonly stack: string | null;
}

/** What became of some messages, in each consumer group. */
export function readConsumptions(sql: Sql, messageIds: readonly string[]): Promise<readonly ConsumptionRow[]> {
  return sql<ConsumptionRow[]>`
    select message_id, consumer_group, foreign_id, partition, "offset", consumer, recorded_at,
      received_at, started_at, consumed_at, attempts, error_flag, error_code, error_message, sequence
    from timeline.event_consumption
    where message_id = any(${[...messageIds]})
    order by message_id, started_at, consumer_group
  `;
}

/** Every failure that some messages ever met. */
export function readFailures(sql: Sql, messageIds: readonly string[]): Promise<readonly FailureRow[]> {
  // The key begins with the group; the join gives it, so that this stays a look-up.
  return sql<FailureRow[]>`
    select f.message_id, f.consumer_group, f.attempt, f.partition, f."offset", f.consumer, f.failed_at,
      f.code, f.message, f.stack
    from timeline.event_consumption c
    join timeline.event_consumption_failure f on f.consumer_group = c.consumer_group and f.message_id = c.message_id
    where c.message_id = any(${[...messageIds]})
    order by f.message_id, f.failed_at, f.consumer_group
  `;
}
