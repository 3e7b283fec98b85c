import { Refusal } from "../core/refusal.ts";
import type { Sql, Tx } from "../timeline/database.ts";
import { isInTheWay } from "../timeline/lock-holders.ts";
import { lockSagas } from "../timeline/saga-row.ts";
import type { MessageHeaders, Transport } from "../transport/port.ts";
import type { RewindPart } from "./rewind-preview.ts";

/** Messages that are written down in one statement. */
const NOTED_MAX = 5_000;
/** Sagas with requests that wait for the dispatcher, of those that are passed over at once: each is locked. */
const SAGAS_MAX = 1_000;
const DISPATCHER = "dispatcher";

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
 * Takes the locks of the sagas of which the dispatcher is to pass over requests that were recorded and wait for it: what
 * counts them changes under these alone. To be called before anything is written.
 * @throws Refusal `group.rewind-failed`
 */
export async function lockWaiting(tx: Tx, group: string, passed: readonly PassedOver[]): Promise<void> {
  if (group !== DISPATCHER) return;
  const sagas = new Set<string>();
  for (const { topic, ids } of portions(passed)) {
    const rows = await tx<{ id: string }[]>`
      select distinct r.correlation_id as id from timeline.event_request r
      where r.message_id = any (${tx.array([...ids])}::text[]) and r.topic = ${topic}
        and r.message_headers->>'applied' = 'false' and not exists (
          select from timeline.event_consumption c where c.consumer_group = ${group} and c.message_id = r.message_id)
    `;
    for (const { id } of rows) sagas.add(id);
    if (sagas.size > SAGAS_MAX) throw tooMany(group);
  }
  try {
    await lockSagas(tx, [...sagas]);
  } catch (error) {
    throw isInTheWay(error) ? inProgress(group) : error;
  }
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
    for (const portion of portions(passed)) {
      const noted = await note(tx, group, portion, actor);
      if (group === DISPATCHER) await countNoMore(tx, noted);
    }
  } catch (error) {
    throw isInTheWay(error) ? inProgress(group) : error;
  }
}

function portions(passed: readonly PassedOver[]): readonly PassedOver[] {
  return passed.flatMap(({ topic, ids }) =>
    Array.from({ length: Math.ceil(ids.length / NOTED_MAX) }, (_, n) => ({
      topic,
      ids: ids.slice(n * NOTED_MAX, (n + 1) * NOTED_MAX),
    })),
  );
}

function tooMany(group: string): Refusal {
  return new Refusal(
    "group.rewind-failed",
    `group ${group} was not moved: requests to more than ${SAGAS_MAX} sagas that were recorded while it was paused would be passed over`,
    "Pass over fewer messages at once, in several calls.",
  );
}

function inProgress(group: string): Refusal {
  return new Refusal(
    "group.rewind-failed",
    `group ${group} was not moved: a handler in progress has a message in hand that would be passed over`,
    "It ends at the latest when its step's timeout is over: try again when it has ended.",
  );
}

/** Returns those that were written down. */
async function note(tx: Tx, group: string, { topic, ids }: PassedOver, actor: string): Promise<readonly string[]> {
  const code = "message.skipped";
  const rows = await tx<{ id: string }[]>`
    insert into timeline.event_consumption as c (consumer_group, message_id, correlation_id, topic, message_key, consumer,
      consumed_at, error_code)
    select ${group}, r.message_id, r.correlation_id, r.topic, r.message_key, ${actor}, clock_timestamp(), ${code}
    from timeline.event_request r
    where r.message_id = any (${tx.array([...ids])}::text[]) and r.topic = ${topic}
    order by r.message_id
    on conflict (consumer_group, message_id) do update set consumed_at = excluded.consumed_at, error_code = excluded.error_code
      where c.consumed_at is null and not c.error_flag and exists (
        select from timeline.event_request r where r.message_id = c.message_id and r.message_headers->>'notify' = 'true')
    returning c.message_id as id
  `;
  return rows.map(({ id }) => id);
}

/** A saga waits no more for what will never be applied: else its timers would rest, and its requests wait, for ever. */
async function countNoMore(tx: Tx, ids: readonly string[]): Promise<void> {
  await tx`
    update timeline.saga s set unapplied = greatest(0, s.unapplied - w.requests)
    from (
      select r.correlation_id, count(*)::integer as requests from timeline.event_request r
      where r.message_id = any (${tx.array([...ids])}::text[]) and r.message_headers->>'applied' = 'false'
      group by r.correlation_id
    ) w
    where s.id = w.correlation_id
  `;
}
