import { isJsonObject, type Json } from "../core/json.ts";
import { Refusal } from "../core/refusal.ts";
import { failpoint } from "../failpoint.ts";
import type { Sql, Tx } from "../timeline/database.ts";
import { newId } from "../timeline/ids.ts";
import { type ExpectedGroup, publishedExpectedGroups } from "./expected-groups.ts";
import { claimOperation, keepOperation, type Operator } from "./operator.ts";
import { type RepublishSelection, resend, SCAN_MAX, type Scanned, scanRequests } from "./republish-scan.ts";

export type { RepublishSelection } from "./republish-scan.ts";

/** How long a preview may count, milliseconds. */
const PREVIEW_MS = 5_000;
/** How long to wait for a piece that another process is at, milliseconds. */
const ELSEWHERE_MS = 100;

/** What is, or would be, sent again. */
export interface RepublishReport {
  /** Null: a preview, of which nothing is kept. */
  readonly id: string | null;
  /** `counted`: a preview; `counting`: a preview whose time was up, there may be more. */
  readonly state: "running" | "done" | "counted" | "counting";
  readonly scanned: number;
  readonly sent: number;
  readonly topics: readonly { readonly topic: string; readonly messages: number }[];
  /** How far it is, 0 to 1, by the time at which requests were written. */
  readonly share: number;
  readonly askedAt: string;
  readonly finishedAt: string | null;
}

interface RunRow {
  id: string;
  selection: RepublishSelection;
  asked_at: Date;
  cursor_xid: string;
  cursor_id: string;
  first_at: Date | null;
  reached_at: Date | null;
  scanned: number;
  sent: Record<string, number>;
  finished_at: Date | null;
}

/**
 * Sends recorded requests again through the same path, same id, key, headers and body, in the order in which their
 * transactions wrote them: consumers that have done one skip it. Goes on where a run under the same Idempotency-Key
 * was killed. Needs no engine that runs; several may help.
 */
export async function republish(
  sql: Sql,
  selection: RepublishSelection,
  reason: string,
  by: Operator,
  onProgress: (report: RepublishReport) => void = () => {},
): Promise<RepublishReport> {
  const id = await askRepublish(sql, selection, reason, by);
  return carryOnRepublish(sql, id, () => true, onProgress);
}

/** Records that requests are to be sent again, with its audit row. Returns the run, the earlier one of an equal call. */
export async function askRepublish(
  sql: Sql,
  selection: RepublishSelection,
  reason: string,
  by: Operator,
): Promise<string> {
  const id = newId();
  const asked = withoutAbsent(selection);
  const run = await sql.begin(async (tx) => {
    const earlier = await claimOperation(tx, "republish", by, { selection: asked, reason });
    if (isJsonObject(earlier)) return String(earlier["id"]);
    await tx`
      insert into timeline.republish_run (id, actor, reason, selection)
      values (${id}, ${by.actor}, ${reason}, ${tx.json(asked as never)})
    `;
    await tx`
      insert into timeline.audit (id, actor, action, target, reason, after)
      values (${newId()}, ${by.actor}, 'messages.republish', ${id}, ${reason}, ${tx.json(asked as never)})
    `;
    await keepOperation(tx, "republish", by, { id });
    return id;
  });
  return run as string;
}

/**
 * Carries a run on, piece by piece, while `goOn` says so. Each piece is a transaction that also notes how far it came,
 * under a lock on the run: any number of processes may be at it, and one that is killed leaves nothing half done.
 * @throws Refusal `republish.unknown`
 */
export async function carryOnRepublish(
  sql: Sql,
  id: string,
  goOn: () => boolean,
  onProgress: (report: RepublishReport) => void = () => {},
): Promise<RepublishReport> {
  const expected = await publishedExpectedGroups(sql);
  for (let report = await republishReport(sql, id); ; ) {
    onProgress(report);
    if (report.state === "done" || !goOn()) return report;
    const row = await sql.begin((tx) => sendPiece(tx, id, expected));
    failpoint("republish", "after-commit");
    if (row === null) await Bun.sleep(ELSEWHERE_MS);
    report = row === null ? await republishReport(sql, id) : toReport(row as RunRow);
  }
}

/** How a run stands. @throws Refusal `republish.unknown` */
export async function republishReport(sql: Sql, id: string): Promise<RepublishReport> {
  const [row] = await sql<RunRow[]>`
    select id, selection, asked_at, cursor_xid::text as cursor_xid, cursor_id, first_at, reached_at, scanned, sent, finished_at
    from timeline.republish_run where id = ${id}
  `;
  if (row !== undefined) return toReport(row);
  const hint = "POST /v1/republish answers the id.";
  throw new Refusal("republish.unknown", `there is no republishing ${id}`, hint);
}

/** Runs that are not done, oldest first. */
export async function openRepublishRuns(sql: Sql): Promise<readonly string[]> {
  const rows = await sql<{ id: string }[]>`
    select id from timeline.republish_run where finished_at is null order by id
  `;
  return rows.map((row) => row.id);
}

/** What would be sent again, counted for a few seconds; nothing is sent. */
export async function previewRepublish(sql: Sql, selection: RepublishSelection): Promise<RepublishReport> {
  const until = performance.now() + PREVIEW_MS;
  const expected = await publishedExpectedGroups(sql);
  const [clock] = await sql<{ now: Date }[]>`select clock_timestamp() as now`;
  let row = newRow((clock as { now: Date }).now, selection);
  while (row.finished_at === null && performance.now() < until) {
    const { asked_at, cursor_xid, cursor_id } = row;
    const cursor = { xid: cursor_xid, id: cursor_id };
    row = after(row, await sql.begin((tx) => scanRequests(tx, selection, cursor, asked_at, expected)));
  }
  return { ...toReport(row), id: null, finishedAt: null, state: row.finished_at === null ? "counting" : "counted" };
}

/** Null: another process is at it, or it is done. */
async function sendPiece(tx: Tx, id: string, expected: readonly ExpectedGroup[]): Promise<RunRow | null> {
  const [row] = await tx<RunRow[]>`
    select id, selection, asked_at, cursor_xid::text as cursor_xid, cursor_id, first_at, reached_at, scanned, sent, finished_at
    from timeline.republish_run where id = ${id} and finished_at is null
    for update skip locked
  `;
  if (row === undefined) return null;
  const cursor = { xid: row.cursor_xid, id: row.cursor_id };
  const scanned = await scanRequests(tx, row.selection, cursor, row.asked_at, expected);
  await resend(
    tx,
    scanned.filter(({ wanted }) => wanted).map(({ message_id }) => message_id),
  );
  failpoint("republish", "after-requests");
  const next = after(row, scanned);
  const [written] = await tx<{ finished_at: Date | null }[]>`
    update timeline.republish_run set cursor_xid = ${next.cursor_xid}::xid8, cursor_id = ${next.cursor_id},
      first_at = ${next.first_at}, reached_at = ${next.reached_at}, scanned = ${next.scanned}, sent = ${tx.json(next.sent)},
      finished_at = case when ${next.finished_at !== null} then clock_timestamp() end
    where id = ${id}
    returning finished_at
  `;
  return { ...next, finished_at: written?.finished_at ?? null };
}

function after(row: RunRow, scanned: readonly Scanned[]): RunRow {
  const last = scanned.at(-1);
  const sent = { ...row.sent };
  for (const { topic, wanted } of scanned) if (wanted) sent[topic] = (sent[topic] ?? 0) + 1;
  return {
    ...row,
    cursor_xid: last?.xid ?? row.cursor_xid,
    cursor_id: last?.message_id ?? row.cursor_id,
    first_at: row.first_at ?? scanned[0]?.requested_at ?? null,
    reached_at: last?.requested_at ?? row.reached_at,
    scanned: row.scanned + scanned.length,
    sent,
    finished_at: scanned.length < SCAN_MAX ? new Date() : null,
  };
}

function newRow(askedAt: Date, selection: RepublishSelection): RunRow {
  const nothing = { cursor_xid: "0", cursor_id: "", first_at: null, reached_at: null, scanned: 0, sent: {} };
  return { id: "", selection, asked_at: askedAt, ...nothing, finished_at: null };
}

function toReport(row: RunRow): RepublishReport {
  const topics = Object.entries(row.sent).map(([topic, messages]) => ({ topic, messages }));
  return {
    id: row.id,
    state: row.finished_at === null ? "running" : "done",
    scanned: row.scanned,
    sent: topics.reduce((sum, { messages }) => sum + messages, 0),
    topics: topics.sort((a, b) => (a.topic < b.topic ? -1 : 1)),
    share: row.finished_at === null ? shareOf(row) : 1,
    askedAt: row.asked_at.toISOString(),
    finishedAt: row.finished_at?.toISOString() ?? null,
  };
}

function shareOf({ first_at, reached_at, asked_at, selection: { until } }: RunRow): number {
  if (first_at === null || reached_at === null) return 0;
  const end = Math.min(asked_at.getTime(), until === undefined ? Number.POSITIVE_INFINITY : Date.parse(until));
  const span = end - first_at.getTime();
  return span <= 0 ? 0 : Math.min(1, Math.max(0, (reached_at.getTime() - first_at.getTime()) / span));
}

function withoutAbsent(selection: RepublishSelection): Json {
  return Object.fromEntries(Object.entries(selection).filter(([, value]) => value !== undefined)) as Json;
}
