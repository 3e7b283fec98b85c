import type { Sql } from "../timeline/database.ts";
import type { MessageHeaders, Transport } from "../transport/port.ts";
import type { RewindPart } from "./rewind-preview.ts";

/** Places of a topic log that are written down in one statement. */
const PLACES_MAX = 5_000;

/**
 * Writes down that a group was told to pass over messages: they count as consumed, so that nobody takes them for lost
 * and sends them again. What it has taken up before stays as it is. False: not all of them could be read in time.
 */
export async function notePassedOver(
  sql: Sql,
  transport: Transport,
  group: string,
  parts: readonly RewindPart[],
  actor: string,
): Promise<boolean> {
  let complete = true;
  for (const { topic, partition, from, to } of parts) {
    const offsets = await transport.offsets(group, [topic]);
    const earliest = offsets.find((at) => at.partition === partition)?.earliest ?? 0;
    const first = Math.max(from ?? 0, earliest);
    if (first >= to) continue;
    if (transport.broker === undefined) await noteInLog(sql, group, topic, first, to, actor);
    else {
      const range = { topic, partition, offset: first, until: to };
      const see = (_topic: string, messages: readonly MessageHeaders[]) => note(sql, group, topic, messages, actor);
      complete = (await transport.broker.read([range], see)) && complete;
    }
  }
  return complete;
}

async function noteInLog(
  sql: Sql,
  group: string,
  topic: string,
  first: number,
  to: number,
  actor: string,
): Promise<void> {
  for (let at = first; at < to; at += PLACES_MAX) {
    const rows = await sql<{ id: string }[]>`
      select message_id as id from timeline.topic_log
      where topic = ${topic} and "offset" >= ${at} and "offset" < ${Math.min(to, at + PLACES_MAX)}
    `;
    await note(sql, group, topic, rows, actor);
  }
}

async function note(
  sql: Sql,
  group: string,
  topic: string,
  messages: readonly MessageHeaders[],
  actor: string,
): Promise<void> {
  const code = "message.skipped";
  const ids = messages.map((headers) => headers["id"] || headers["ce_id"] || "");
  await sql`
    insert into timeline.event_consumption (consumer_group, message_id, correlation_id, topic, message_key, consumer,
      consumed_at, error_code)
    select ${group}, r.message_id, r.correlation_id, r.topic, r.message_key, ${actor}, clock_timestamp(), ${code}
    from timeline.event_request r
    where r.message_id = any (${sql.array(ids)}::text[]) and r.topic = ${topic}
    order by r.message_id
    on conflict do nothing
  `;
}
