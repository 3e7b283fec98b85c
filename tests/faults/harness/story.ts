import { basename } from "node:path";
import type { Sql } from "postgres";

import { tail } from "../../../engine/stack/java-service.ts";
import type { Violation } from "./checker/law.ts";
import type { Strike } from "./run.ts";
import type { LogLine } from "./supervised.ts";

/** What a violation's story is told from. */
export interface Sources {
  readonly sql: Sql;
  readonly strikes: readonly Strike[];
  readonly lines: readonly LogLine[];
  /** Files to which the servers write. */
  readonly logs: readonly string[];
}

const LINES = 40;
const AROUND_MS = 15_000;
/** Of a server's log. */
const TAIL = 30;

/** Tells of a violation: the law, the first rows, the saga's rows in their order, the faults and the logs around it. */
export async function storyOf({ invariant, says, count, rows }: Violation, sources: Sources): Promise<string> {
  const head = [`${invariant}: NOT TRUE that ${says} (${count})`, ...rows.map((row) => `  ${JSON.stringify(row)}`)];
  const sagaId = rows.map((row) => row["saga_id"] ?? row["sagaId"]).find((id) => typeof id === "string");
  const written = await tails(sources.logs);
  if (typeof sagaId !== "string")
    return [...head, ...around(sources, sources.strikes.at(-1)?.at), ...written].join("\n");
  const events = await eventsOf(sources.sql, sagaId);
  const last = events.at(-1)?.at;
  return [
    ...head,
    `  saga ${sagaId}:`,
    ...(await sagaRows(sources.sql, sagaId)),
    ...events.map(({ line }) => `    ${line}`),
    ...around(sources, last),
    ...written,
  ].join("\n");
}

/** What PostgreSQL, Kafka and Connect wrote last. */
async function tails(logs: readonly string[]): Promise<string[]> {
  const each = logs.map(async (log) => {
    // A statement over several lines may be cut in the middle, at a blank one.
    const lines = (await tail(log, TAIL)).split("\n").filter((line) => line.trim() !== "");
    return [`  the end of ${basename(log)}:`, ...lines.map((line) => `    ${line.slice(0, 300)}`)];
  });
  return (await Promise.all(each)).flat();
}

async function sagaRows(sql: Sql, sagaId: string): Promise<string[]> {
  const [saga] = await sql`
    select definition, status, sequence, error, uncompensated, parent_id, started_at, finished_at from timeline.saga where id = ${sagaId}
  `;
  const guards = await sql`
    select step_key, state, code, calls, command_message_id, compensation_message_id from timeline.step_guard
    where saga_id = ${sagaId} order by step_key
  `;
  return [saga, ...guards].map((row) => `    ${JSON.stringify(row)}`);
}

async function eventsOf(sql: Sql, sagaId: string): Promise<{ at: Date; line: string }[]> {
  const rows = await sql<{ at: Date; line: string }[]>`
    select r.requested_at as at, concat_ws(' ', to_char(r.requested_at, 'HH24:MI:SS.MS'), r.message_id, r.message_type,
      nullif(substr(r.step_key, 28), ''), 'attempt ' || r.attempt, 'by ' || r.producer, 'because of ' || r.causation_id,
      'xid ' || r.xid::text, '→', (
        select string_agg(concat_ws(' ', c.consumer_group, 'seq ' || c.sequence, 'attempts ' || nullif(c.attempts, 1), c.error_code,
          to_char(c.consumed_at, 'HH24:MI:SS.MS'), 'by ' || c.consumer), '; ' order by c.consumer_group)
        from timeline.event_consumption c where c.message_id = r.message_id)) as line
    from timeline.event_request r where r.correlation_id = ${sagaId} order by r.requested_at, r.message_id limit 80
  `;
  return [...rows];
}

/** Faults and the processes' own words about a moment. */
function around({ strikes, lines }: Sources, at: Date | undefined): string[] {
  if (at === undefined) return [];
  const isNear = (when: Date) => Math.abs(when.getTime() - at.getTime()) < AROUND_MS * 2;
  const faults = strikes.filter((strike) => isNear(strike.at));
  const said = lines
    .filter((line) => Math.abs(line.at.getTime() - at.getTime()) < AROUND_MS)
    .filter(({ text }) => /warn|error|fatal|──/i.test(text))
    .slice(-LINES);
  return [
    "  faults around it:",
    ...faults.map((strike) => `    ${strike.at.toISOString()} ${strike.fault}: ${strike.told}`),
    "  the processes around it:",
    ...said.map(({ at: when, name, text }) => `    ${when.toISOString()} ${name}: ${text.slice(0, 300)}`),
  ];
}
