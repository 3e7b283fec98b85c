import { failpoint } from "../failpoint.ts";
import type { Log } from "../sdk.ts";
import type { Sql } from "../timeline/database.ts";
import { timeOf } from "../timeline/ids.ts";
import type { PartHealth, PartitionOffsets, Transport } from "../transport/port.ts";
import type { ExpectedGroup } from "./expected-groups.ts";
import {
  forgetProgress,
  hasWork,
  keepPlaceInHistory,
  LATE_MAX,
  type LateRow,
  noteEnds,
  noteProgress,
  noteResent,
  noticeLate,
  stillLate,
} from "./late-messages.ts";
import { readerOffsets } from "./reader-offsets.ts";
import { resend } from "./republish-scan.ts";

/** Statements of a round that look for late requests; what is left is for the next round. */
const SCANS_MAX = 20;
/** Most messages sent again in one round. */
const RESEND_MAX = 500;
/** What a group was told to pass over is written down as consumed once it has moved: not looked at meanwhile, seconds. */
const SKIP_NOTED_S = 300;
/** A group that has not moved for so long, though messages lie before it, is stuck, seconds. */
const STUCK_AFTER_S = 30;

/** What the auditor needs. */
export interface AuditorParts {
  readonly sql: Sql;
  readonly transport: Pick<Transport, "kind" | "offsets" | "mark" | "passed">;
  readonly expected: () => readonly ExpectedGroup[];
  readonly log: Log;
}

/**
 * Looks whether every request is consumed by whoever must. One that is late and that its topic does not hold was lost on
 * the way: it is sent again. One that lies before a group which does not move is reported: sending it again would help
 * nobody. What is still on its way through the connector, or before a group that moves or is paused, is waited for.
 */
export class Auditor {
  readonly #parts: AuditorParts;

  constructor(parts: AuditorParts) {
    this.#parts = parts;
  }

  /** One round. Safe from several processes at once: a request is looked at under a lock, and sent again in one too. */
  async look(goOn: () => boolean): Promise<void> {
    const { sql, expected: expectedNow } = this.#parts;
    if (!(await hasWork(sql))) return;
    const expected = expectedNow();
    await keepPlaceInHistory(sql);
    let more = true;
    for (let scans = 0; more && scans < SCANS_MAX && goOn(); scans += 1) more = await this.#notice(expected);
    const late = await stillLate(sql, expected);
    failpoint("auditor", "after-claim");
    await forgetProgress(sql);
    if (late.length === 0) return;
    const absent: LateRow[] = [];
    const failures: unknown[] = [];
    for (const rows of Map.groupBy(late, ({ consumer_group, topic }) => `${consumer_group} ${topic}`).values()) {
      if (!goOn()) return;
      try {
        absent.push(...(await this.#absentOf(rows, expected)));
      } catch (error) {
        // A topic that cannot be asked for must not keep the others from being looked after.
        failures.push(error);
      }
    }
    await this.#sendAgain(absent.filter(({ again }) => again));
    if (failures.length > 0) throw failures[0];
  }

  async #notice(expected: readonly ExpectedGroup[]): Promise<boolean> {
    const { sql, transport } = this.#parts;
    return (await sql.begin((tx) => noticeLate(tx, expected, () => transport.mark()))) as boolean;
  }

  /** Of late messages of one group and topic those that the topic does not hold. */
  async #absentOf(rows: readonly LateRow[], expected: readonly ExpectedGroup[]): Promise<readonly LateRow[]> {
    const { sql, transport } = this.#parts;
    const { consumer_group: group, topic, message_id: oldest } = rows[0] as LateRow;
    const reader = expected.find((one) => one.consumer_group === group && one.topic === topic)?.reader ?? group;
    const lacking = rows.filter(({ ends }) => ends === null);
    const passed = new Map<string, boolean>();
    for (const { mark } of lacking) if (!passed.has(mark)) passed.set(mark, await transport.passed(mark));
    const places = await readerOffsets(transport, { group, reader }, topic);
    const arrived = lacking.filter(({ mark }) => passed.get(mark) === true).map(({ message_id }) => message_id);
    const ends = Object.fromEntries(places.map(({ partition, end }) => [partition, end]));
    if (arrived.length > 0) await noteEnds(sql, group, arrived, ends);
    // A program may read in a group that nobody knows here: then it moves when it takes up the oldest late request.
    const start = reader === group ? null : timeOf(oldest).getTime();
    const progress = places.map(({ partition, committed, earliest, end }) => ({
      partition,
      committed: committed ?? start ?? earliest,
      waits: (committed ?? earliest) < end,
    }));
    await noteProgress(sql, group, topic, progress);
    return rows.filter(({ message_id, ends: noted }) => {
      const until = noted ?? (arrived.includes(message_id) ? ends : null);
      return until !== null && hasPassed(places, until);
    });
  }

  async #sendAgain(absent: readonly LateRow[]): Promise<void> {
    const { sql, transport, log } = this.#parts;
    const messageIds = [...new Set(absent.map(({ message_id }) => message_id))].slice(0, RESEND_MAX);
    if (messageIds.length === 0) return;
    const sent = await sql.begin(async (tx) => {
      // Another process may have come first, and noted that it sent them; or they were consumed meanwhile.
      const rows = await tx<{ message_id: string }[]>`
        select l.message_id from timeline.late_message l
        where l.message_id = any (${tx.array(messageIds)}::text[]) and l.ends is not null and not exists (
          select from timeline.event_consumption c where c.consumer_group = l.consumer_group and c.message_id = l.message_id)
        and not exists (
          select from timeline.rewind_request w
          where w.consumer_group = l.consumer_group and w.topic = l.topic and w.skip and w.problem is null
            and w.requested_at > clock_timestamp() - make_interval(secs => ${SKIP_NOTED_S}))
        order by l.consumer_group, l.message_id for update
      `;
      const ids = [...new Set(rows.map((row) => row.message_id))].sort();
      if (ids.length === 0) return ids;
      await resend(tx, ids);
      await noteResent(tx, ids, await transport.mark());
      failpoint("auditor", "after-requests");
      return ids;
    });
    if ((sent as string[]).length === 0) return;
    failpoint("auditor", "after-commit");
    const first = absent[0] as LateRow;
    log.warn("requests that had not reached their topics were sent again", {
      messages: (sent as string[]).length,
      messageId: first.message_id,
      topic: first.topic,
      group: first.consumer_group,
    });
  }
}

/** Whether a group has passed these ends. A topic that was made again ends before: what lay in it is gone. */
function hasPassed(places: readonly PartitionOffsets[], ends: Readonly<Record<string, number>>): boolean {
  return places.every(({ partition, committed, earliest }) => (committed ?? earliest) >= (ends[partition] ?? 0));
}

/** A group with requests that it has not taken up in time. */
export interface LateGroup {
  readonly group: string;
  readonly topic: string;
  readonly messages: number;
  /** When the oldest of them was written. */
  readonly since: string;
  /** `stuck`: it does not move; `paused`; `waiting`: it moves, or they are still on their way. */
  readonly state: "stuck" | "paused" | "waiting";
}

/** What the auditor has found, as rows say it: any process can tell. */
export interface AuditorReport {
  /** Requests that were sent again, ever. */
  readonly republished: number;
  readonly late: number;
  /** Of one group on one topic; what is late beyond as many is not noticed. */
  readonly lateMax: number;
  readonly groups: readonly LateGroup[];
}

interface LateGroupRow {
  consumer_group: string;
  topic: string;
  messages: number;
  since: Date;
  paused: boolean;
  stuck: boolean;
}

/** How the auditor stands. */
export async function auditorReport(sql: Sql): Promise<AuditorReport> {
  const [[at], rows] = await Promise.all([
    sql<{ republished: number }[]>`select republished from timeline.auditor where id = 1`,
    sql<LateGroupRow[]>`
      select l.consumer_group, l.topic, count(*) as messages, min(r.requested_at) as since,
        coalesce(bool_or(g.paused), false) as paused,
        exists (
          select from timeline.group_progress p
          where p.consumer_group = l.consumer_group and p.topic = l.topic and p.waits
            and p.moved_at < clock_timestamp() - make_interval(secs => ${STUCK_AFTER_S})
        ) as stuck
      from timeline.late_message l
      join timeline.event_request r on r.message_id = l.message_id
      left join timeline.consumer_group g on g.consumer_group = l.consumer_group
      group by l.consumer_group, l.topic order by l.consumer_group, l.topic
    `,
  ]);
  const groups = rows.map(({ consumer_group, topic, messages, since, paused, stuck }) => ({
    group: consumer_group,
    topic,
    messages,
    since: since.toISOString(),
    state: paused ? ("paused" as const) : stuck ? ("stuck" as const) : ("waiting" as const),
  }));
  return {
    republished: at?.republished ?? 0,
    late: groups.reduce((sum, { messages }) => sum + messages, 0),
    lateMax: LATE_MAX,
    groups,
  };
}

/**
 * The same as a line of the health report. Not red: a handler that takes its time looks the same from outside, and an
 * API that is taken out of service for it would make one stuck group everybody's.
 */
export async function auditorHealth(sql: Sql): Promise<PartHealth> {
  const { republished, late, lateMax, groups } = await auditorReport(sql);
  const stuck = groups.filter(({ state }) => state === "stuck");
  const sentences = stuck.map(
    ({ group, topic, messages, since }) =>
      `group ${group} does not move: ${messages} requests on ${topic} wait, the oldest since ${since}`,
  );
  const full = groups.filter(({ messages }) => messages >= lateMax);
  const counts = `${late} requests late, ${republished} were lost on their way and sent again`;
  const blind = full.map(
    ({ group, topic }) => `of group ${group} on ${topic} what is late beyond ${lateMax} requests is not noticed`,
  );
  const detail = [counts, ...sentences, ...blind].join("; ");
  const hints = [
    ...(stuck.length === 0
      ? []
      : [
          "Is a process with this domain, or the program that handles the step, running? `ekiden groups` shows members and lag.",
        ]),
    ...(full.length === 0
      ? []
      : [
          `When ${[...new Set(full.map(({ group }) => group))].join(", ")} has caught up, \`ekiden republish --missing-only\` finds what was lost meanwhile.`,
        ]),
  ];
  const hint = hints.join(" ");
  return { part: "auditor", ok: true, detail, ...(hint === "" ? {} : { hint }) };
}
