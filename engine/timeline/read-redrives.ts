import type { Json } from "../core/json.ts";
import type { Sql } from "./database.ts";

/** A redrive of many messages with the counts of its items. */
export interface RedriveRow {
  readonly id: string;
  readonly actor: string;
  readonly reason: string;
  readonly selection: Json;
  readonly status: "first" | "running" | "waiting" | "stopped" | "done";
  readonly rate_per_second: number;
  readonly stop_after_errors: number;
  readonly total: number;
  readonly problem: string | null;
  readonly created_at: Date;
  readonly finished_at: Date | null;
  readonly waiting: number;
  readonly sent: number;
  readonly done: number;
  readonly failed: number;
  readonly closed: number;
}

/** One message of a redrive. */
export interface RedriveItemRow {
  readonly position: number;
  readonly consumer_group: string;
  readonly message_id: string;
  readonly status: "waiting" | "sent" | "done" | "failed" | "closed";
  readonly republish_id: string | null;
  readonly error_code: string | null;
  readonly sent_at: Date | null;
  readonly settled_at: Date | null;
}

/** Redrives, newest first. */
export async function listRedrives(sql: Sql, before: string | undefined, limit: number): Promise<RedriveRow[]> {
  return [...(await read(sql, sql`${before === undefined ? sql`true` : sql`b.id < ${before}`}`, limit))];
}

/** Undefined: there is none of this id. */
export async function readRedrive(sql: Sql, id: string): Promise<RedriveRow | undefined> {
  return (await read(sql, sql`b.id = ${id}`, 1))[0];
}

function read(sql: Sql, which: ReturnType<typeof sql>, limit: number) {
  return sql<RedriveRow[]>`
    select b.id, b.actor, b.reason, b.selection, b.status, b.rate_per_second, b.stop_after_errors, b.total, b.problem,
      b.created_at, b.finished_at, n.waiting, n.sent, n.done, n.failed, n.closed
    from (
      select b.id, b.actor, b.reason, b.selection, b.status, b.rate_per_second, b.stop_after_errors, b.total, b.problem,
        b.created_at, b.finished_at
      from timeline.redrive_batch b where ${which} order by b.id desc limit ${limit}
    ) b
    cross join lateral (
      select count(*) filter (where i.status = 'waiting') as waiting, count(*) filter (where i.status = 'sent') as sent,
        count(*) filter (where i.status = 'done') as done, count(*) filter (where i.status = 'failed') as failed,
        count(*) filter (where i.status = 'closed') as closed
      from timeline.redrive_item i where i.batch_id = b.id
    ) n
    order by b.id desc
  `;
}

/** Items of a redrive in the order of sending, behind a place. */
export async function listRedriveItems(
  sql: Sql,
  id: string,
  { status, after, limit }: { readonly status: string | undefined; readonly after: number; readonly limit: number },
): Promise<RedriveItemRow[]> {
  const rows = await sql<RedriveItemRow[]>`
    select position, consumer_group, message_id, status, republish_id, error_code, sent_at, settled_at
    from timeline.redrive_item
    where batch_id = ${id} and position > ${after} ${status === undefined ? sql`` : sql`and status = ${status}`}
    order by position limit ${limit}
  `;
  return [...rows];
}
