import { Refusal } from "../core/refusal.ts";
import type { Sql, Tx } from "../timeline/database.ts";
import { isInTheWay } from "../timeline/lock-holders.ts";
import type { MessageHeaders, Transport } from "../transport/port.ts";
import type { RewindPart } from "./rewind-preview.ts";

/** Messages that are written down in one statement. */
const NOTED_MAX = 5_000;

/** Messages of one topic that a group is told to pass over. */
export interface PassedOver {
  readonly topic: string;
  readonly ids: readonly string[];
}

/** What lies between where a group stands and where it is told to go. Null: not all of it could be read in time. */
export async function passedOver(
  sql: Sql,
  transport: Transport,
  group: string,
  parts: readonly RewindPart[],
): Promise<readonly PassedOver[] | null> {
  const found: PassedOver[] = [];
  for (const { topic, partition, from, to } of parts) {
    const offsets = await transport.offsets(group, [topic]);
    const earliest = offsets.find((at) => at.partition === partition)?.earliest ?? 0;
    const first = Math.max(from ?? 0, earliest);
    if (first >= to) continue;
    const ids: string[] = [];
    if (transport.broker === undefined) ids.push(...(await idsInLog(sql, topic, first, to)));
    else {
      const see = async (_topic: string, messages: readonly MessageHeaders[]) => {
        ids.push(...messages.map((headers) => headers["id"] || headers["ce_id"] || ""));
      };
      if (!(await transport.broker.read([{ topic, partition, offset: first, until: to }], see))) return null;
    }
    found.push({ topic, ids });
  }
  return found;
}

async function idsInLog(sql: Sql, topic: string, first: number, to: number): Promise<readonly string[]> {
  const rows = await sql<{ id: string }[]>`
    select message_id as id from timeline.topic_log where topic = ${topic} and "offset" >= ${first} and "offset" < ${to}
  `;
  return rows.map(({ id }) => id);
}

/**
 * Writes down, in the transaction that asks for the move, that a group passes over messages: they count as consumed, so
 * that nobody takes them for lost and sends them again. What it has taken up before stays as it is, but for a notification
 * between two tries: nobody waits for it, and nobody would end it.
 * @throws Refusal `group.rewind-failed` while a handler has one of them in hand: its transaction ends first
 */
export async function notePassedOver(
  tx: Tx,
  group: string,
  passed: readonly PassedOver[],
  actor: string,
): Promise<void> {
  try {
    for (const { topic, ids } of passed) {
      for (let at = 0; at < ids.length; at += NOTED_MAX)
        await note(tx, group, topic, ids.slice(at, at + NOTED_MAX), actor);
    }
  } catch (error) {
    throw isInTheWay(error) ? inProgress(group) : error;
  }
}

function inProgress(group: string): Refusal {
  return new Refusal(
    "group.rewind-failed",
    `group ${group} was not moved: a handler in progress has a message in hand that would be passed over`,
    "It ends at the latest when its step's timeout is over: try again when it has ended.",
  );
}

async function note(tx: Tx, group: string, topic: string, ids: readonly string[], actor: string): Promise<void> {
  const code = "message.skipped";
  await tx`
    insert into timeline.event_consumption as c (consumer_group, message_id, correlation_id, topic, message_key, consumer,
      consumed_at, error_code)
    select ${group}, r.message_id, r.correlation_id, r.topic, r.message_key, ${actor}, clock_timestamp(), ${code}
    from timeline.event_request r
    where r.message_id = any (${tx.array([...ids])}::text[]) and r.topic = ${topic}
    order by r.message_id
    on conflict (consumer_group, message_id) do update set consumed_at = excluded.consumed_at, error_code = excluded.error_code
      where c.consumed_at is null and not c.error_flag and exists (
        select from timeline.event_request r where r.message_id = c.message_id and r.message_headers->>'notify' = 'true')
  `;
}
