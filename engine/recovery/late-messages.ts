import type { Sql, Tx } from "../timeline/database.ts";
import type { ExpectedGroup } from "./expected-groups.ts";

/** A request without a consumption after so long is late, seconds. */
const LATE_AFTER_S = 30;
/** Requests looked at in one statement. */
const SCAN_MAX = 1_000;
/** Late messages of one group on one topic that are kept; while there are as many, what is late beyond them is not noticed. */
export const LATE_MAX = 5_000;
/** The same message is sent again after a minute, then after twice as long each time, at most an hour, seconds. */
const AGAIN_AFTER_S = 60;
const AGAIN_AFTER_MAX_S = 3_600;

/** A request that a group has not taken up in time. */
export interface LateRow {
  readonly consumer_group: string;
  readonly message_id: string;
  readonly topic: string;
  readonly mark: string;
  readonly ends: Readonly<Record<string, number>> | null;
  /** It may be sent again now. */
  readonly again: boolean;
}

interface ScanRow {
  readonly message_id: string;
  readonly xid: string;
  readonly young: boolean;
  readonly late: readonly { readonly consumer_group: string; readonly topic: string }[] | null;
}

/**
 * Looks at the next requests, each once: those that are late get a row. False: nothing more to look at now, or another
 * process is at it. Behind the xid horizon, so that no transaction that is still open adds an earlier one (R7).
 */
export async function noticeLate(
  tx: Tx,
  expected: readonly ExpectedGroup[],
  mark: () => Promise<string>,
): Promise<boolean> {
  const [at] = await tx<{ xid: string; message_id: string; full: string[] | null }[]>`
    select a.xid::text as xid, a.message_id, (
      select jsonb_agg(f.place) from (
        select l.consumer_group || ' ' || l.topic as place from timeline.late_message l
        group by l.consumer_group, l.topic having count(*) >= ${LATE_MAX}
      ) f
    ) as "full"
    from timeline.auditor a where a.id = 1 for update skip locked
  `;
  if (at === undefined) return false;
  // A group that stands still on one topic must keep neither others from being looked after, nor its other topics.
  const watched = expected.filter(({ consumer_group, topic }) => !at.full?.includes(`${consumer_group} ${topic}`));
  const rows = await scan(tx, watched, at);
  const young = rows.findIndex((row) => row.young);
  const old = young === -1 ? rows : rows.slice(0, young);
  const last = old.at(-1);
  if (last === undefined) return false;
  const late = lateOf(old);
  await tx`
    insert into timeline.late_message (consumer_group, message_id, topic, mark)
    select w.consumer_group, w.message_id, w.topic, ${late.length === 0 ? "" : await mark()}
    from jsonb_to_recordset(${tx.json(late)}) as w (consumer_group text, message_id text, topic text)
    on conflict do nothing
  `;
  await tx`
    update timeline.auditor set xid = ${last.xid}::xid8, message_id = ${last.message_id} where id = 1
  `;
  return old.length === SCAN_MAX;
}

function lateOf(rows: readonly ScanRow[]) {
  return rows.flatMap(({ message_id, late }) => (late ?? []).map((each) => ({ ...each, message_id })));
}

async function scan(
  tx: Tx,
  expected: readonly ExpectedGroup[],
  at: { readonly xid: string; readonly message_id: string },
): Promise<readonly ScanRow[]> {
  // A row without consumed_at is taken up: an external call is in progress, or was cut and comes again by itself.
  return tx<ScanRow[]>`
    select s.message_id, s.xid::text as xid, s.young, (
      select jsonb_agg(jsonb_build_object('consumer_group', e.consumer_group, 'topic', e.topic))
      from jsonb_to_recordset(${tx.json(expected as never)}) as e (consumer_group text, topic text, types jsonb)
      where not s.young and e.topic = s.topic and (jsonb_typeof(e.types) is distinct from 'array' or e.types ? s.message_type)
        and not exists (
          select from timeline.event_consumption c where c.consumer_group = e.consumer_group and c.message_id = s.message_id)
    ) as late
    from (
      select r.message_id, r.xid, r.topic, r.message_type,
        r.requested_at > clock_timestamp() - make_interval(secs => ${LATE_AFTER_S}) as young
      from timeline.event_request r
      where (r.xid, r.message_id) > (${at.xid}::xid8, ${at.message_id}) and r.xid < pg_snapshot_xmin(pg_current_snapshot())
      order by r.xid, r.message_id
      limit ${SCAN_MAX}
    ) s
    order by s.xid, s.message_id
  `;
}

/** Whether there is anything to look at: on an idle engine this is all that the auditor asks. */
export async function hasWork(sql: Sql): Promise<boolean> {
  const [row] = await sql<{ work: boolean }[]>`
    select exists (select from timeline.late_message) or exists (select from timeline.group_progress)
      or a.xid > pg_snapshot_xmax(pg_current_snapshot()) or exists (
        select from timeline.event_request r where (r.xid, r.message_id) > (a.xid, a.message_id)
      ) as work
    from timeline.auditor a where a.id = 1
  `;
  return row?.work ?? false;
}

/** A database that was put back has transactions before the place up to which was looked: it is looked from here on. */
export async function keepPlaceInHistory(sql: Sql): Promise<void> {
  await sql`
    update timeline.auditor set xid = pg_snapshot_xmin(pg_current_snapshot()), message_id = ''
    where id = 1 and xid > pg_snapshot_xmax(pg_current_snapshot())
  `;
}

/** Those that were taken up after all, or are expected no more, go; returns the others. */
export async function stillLate(sql: Sql, expected: readonly ExpectedGroup[]): Promise<readonly LateRow[]> {
  await sql`
    delete from timeline.late_message l
    where exists (
        select from timeline.event_consumption c where c.consumer_group = l.consumer_group and c.message_id = l.message_id)
      or not exists (select from timeline.event_request r where r.message_id = l.message_id)
      or not exists (
        select from jsonb_to_recordset(${sql.json(expected as never)}) as e (consumer_group text, topic text)
        where e.consumer_group = l.consumer_group and e.topic = l.topic)
  `;
  return sql<LateRow[]>`
    select consumer_group, message_id, topic, mark, ends, republished_at is null or republished_at < clock_timestamp()
      - make_interval(secs => least(${AGAIN_AFTER_S} * 2 ^ least(republishes - 1, 20), ${AGAIN_AFTER_MAX_S})) as again
    from timeline.late_message order by message_id
  `;
}

/** Notes where a topic ended once the transport had passed what brings these messages. */
export async function noteEnds(
  sql: Sql,
  group: string,
  messageIds: readonly string[],
  ends: Readonly<Record<string, number>>,
): Promise<void> {
  await sql`
    update timeline.late_message set ends = ${sql.json(ends)}
    where consumer_group = ${group} and message_id = any (${sql.array([...messageIds])}::text[])
  `;
}

/** Notes how far a group has come in each partition of a topic, and where messages lie before it. */
export async function noteProgress(
  sql: Sql,
  group: string,
  topic: string,
  places: readonly { readonly partition: number; readonly committed: number; readonly waits: boolean }[],
): Promise<void> {
  await sql`
    insert into timeline.group_progress as p (consumer_group, topic, partition, committed, waits)
    select ${group}, ${topic}, w.partition, w.committed, w.waits
    from jsonb_to_recordset(${sql.json(places)}) as w (partition integer, committed bigint, waits boolean)
    order by w.partition
    on conflict (consumer_group, topic, partition) do update set committed = excluded.committed, waits = excluded.waits,
      moved_at = case when p.committed is distinct from excluded.committed or not p.waits then clock_timestamp() else p.moved_at end
  `;
}

/** Forgets the progress of groups without late messages. */
export async function forgetProgress(sql: Sql): Promise<void> {
  await sql`
    delete from timeline.group_progress p
    where not exists (
      select from timeline.late_message l where l.consumer_group = p.consumer_group and l.topic = p.topic)
  `;
}

/** Notes that messages were sent again, behind `mark`: they are looked for anew. */
export async function noteResent(tx: Tx, messageIds: readonly string[], mark: string): Promise<void> {
  await tx`
    update timeline.late_message set mark = ${mark}, ends = null, republishes = republishes + 1,
      republished_at = clock_timestamp()
    where message_id = any (${tx.array([...messageIds])}::text[])
  `;
  await tx`update timeline.auditor set republished = republished + ${messageIds.length} where id = 1`;
}
