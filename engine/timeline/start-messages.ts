import type { Json } from "../core/json.ts";
import type { Sql } from "./database.ts";

/** A message that may start a saga: the id by which its group knows it, and whether the group is done with it. */
export interface StartMessage {
  readonly ordinal: number;
  readonly message_id: string;
  readonly done: boolean;
}

/** What became of one. */
export interface StartRecord {
  readonly messageId: string;
  /** As `foreignMessage` makes it. */
  readonly message: Json;
  /** Null: no saga was started. */
  readonly sagaId: string | null;
  readonly code?: string;
  readonly error?: string;
}

/** `messages`: as `foreignMessage` makes them. */
export async function readStartMessages(
  sql: Sql,
  group: string,
  messages: readonly Json[],
): Promise<readonly StartMessage[]> {
  return sql<StartMessage[]>`
    select ordinal, message_id, done from timeline.start_messages(${group}, ${sql.json(messages as never)})
  `;
}

/** Records what became of messages; those that are done stay as they are. */
export async function recordStartMessages(sql: Sql, group: string, records: readonly StartRecord[]): Promise<void> {
  await sql`select timeline.record_start_messages(${group}, ${sql.json(records as never)})`;
}
