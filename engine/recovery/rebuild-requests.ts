import { isJsonObject } from "../core/json.ts";
import { withoutPayload } from "../core/mask.ts";
import { Refusal } from "../core/refusal.ts";
import type { TimelineEvent } from "../sdk.ts";
import { errorCode, type Sql } from "../timeline/database.ts";
import { newId } from "../timeline/ids.ts";
import { claimOperation, keepOperation, type Operator } from "./operator.ts";
import { type Rebuildable, type RebuildProgress, rebuild, refuseForgotten } from "./rebuild.ts";

/** Most characters of what is kept about a rebuild that failed. */
const PROBLEM_MAX = 8_192;
/** A process that has shown no sign of life for so long is taken for dead, seconds. */
const LEASE_S = 60;
/** One that lives, and has come no further for so long, lets another process begin the rebuild anew, milliseconds. */
const STUCK_AFTER_MS = 3_600_000;

/** How a rebuild stands. */
export interface RebuildReport {
  readonly id: string;
  readonly group: string;
  readonly state: "asked" | "running" | "done" | "failed";
  readonly events: number;
  readonly share: number;
  /** What failed in a word, which quotes nothing. */
  readonly code: string | null;
  readonly problem: string | null;
  readonly askedAt: string;
  readonly finishedAt: string | null;
}

interface RebuildRow {
  id: string;
  consumer_group: string;
  asked_at: Date;
  taken_by: string | null;
  events: number;
  share: number;
  finished_at: Date | null;
  code: string | null;
  problem: string | null;
}

/**
 * Records that a projection is to be built anew, with its audit row. One that is not done yet is the answer itself.
 * @throws Refusal `projection.history-forgotten`
 */
export async function askRebuild(sql: Sql, group: string, reason: string, by: Operator): Promise<RebuildReport> {
  const id = (await sql.begin(async (tx) => {
    const earlier = await claimOperation(tx, `rebuild/${group}`, by, { reason });
    if (isJsonObject(earlier)) return String(earlier["id"]);
    await refuseForgotten(tx, group);
    const asked = newId();
    const inserted = await tx`
      insert into timeline.projection_rebuild (id, consumer_group, actor, reason) values (${asked}, ${group}, ${by.actor}, ${reason})
      on conflict (consumer_group) where finished_at is null do nothing returning id
    `;
    const [open] = await tx<{ id: string }[]>`
      select id from timeline.projection_rebuild where consumer_group = ${group} order by id desc limit 1
    `;
    const found = inserted.length === 0 ? (open?.id ?? asked) : asked;
    await tx`
      insert into timeline.audit (id, actor, action, target, reason, after)
      values (${newId()}, ${by.actor}, 'projection.rebuild', ${group}, ${reason}, ${tx.json({ id: found })})
    `;
    await keepOperation(tx, `rebuild/${group}`, by, { id: found });
    return found;
  })) as string;
  return report(sql, group, id);
}

/** How the newest rebuild of a projection stands. @throws Refusal `group.unknown` */
export function newestRebuild(sql: Sql, group: string): Promise<RebuildReport> {
  return report(sql, group, null);
}

async function report(sql: Sql, group: string, id: string | null): Promise<RebuildReport> {
  const [row] = await sql<RebuildRow[]>`
    select id, consumer_group, asked_at, taken_by, events, share, finished_at, code, problem
    from timeline.projection_rebuild
    where consumer_group = ${group} and (${id}::text is null or id = ${id}) order by id desc limit 1
  `;
  if (row !== undefined) return toReport(row);
  const hint = "`ekiden rebuild <domain>.<projection>` asks for one; `ekiden groups` lists the groups.";
  throw new Refusal("group.unknown", `no rebuild of ${group} was ever asked for`, hint);
}

function toReport(row: RebuildRow): RebuildReport {
  const open = row.taken_by === null ? ("asked" as const) : ("running" as const);
  const ended = row.problem === null ? ("done" as const) : ("failed" as const);
  return {
    id: row.id,
    group: row.consumer_group,
    state: row.finished_at === null ? open : ended,
    events: row.events,
    share: row.finished_at !== null && row.problem === null ? 1 : row.share,
    code: row.code,
    problem: row.problem,
    askedAt: row.asked_at.toISOString(),
    finishedAt: row.finished_at?.toISOString() ?? null,
  };
}

/** Carries out what was asked for of the projections that this process keeps. A run whose process is gone begins anew. */
export async function carryOutRebuilds(
  sql: Sql,
  projections: ReadonlyMap<string, Rebuildable>,
  process: string,
  leaseS = LEASE_S,
): Promise<void> {
  for (;;) {
    const [row] = await sql<{ id: string; consumer_group: string }[]>`
      update timeline.projection_rebuild set taken_by = ${process}, events = 0, share = 0,
        taken_until = clock_timestamp() + make_interval(secs => ${leaseS})
      where id = (
        select id from timeline.projection_rebuild
        where finished_at is null and consumer_group = any (${sql.array([...projections.keys()])}::text[])
          and (taken_until is null or taken_until < clock_timestamp())
        order by id limit 1 for update skip locked
      )
      returning id, consumer_group
    `;
    if (row === undefined) return;
    await carryOut(sql, projections.get(row.consumer_group) as Rebuildable, { id: row.id, process, leaseS });
  }
}

/** Who carries a rebuild out, and for how long it is his without a sign of life. */
interface Turn {
  readonly id: string;
  readonly process: string;
  readonly leaseS: number;
}

async function carryOut(sql: Sql, projection: Rebuildable, turn: Turn): Promise<void> {
  let failure: Failure = { code: null, problem: null };
  let events: readonly TimelineEvent[] = [];
  const applying = (next: readonly TimelineEvent[]) => {
    events = next;
  };
  const held = holdTurn(sql, turn);
  try {
    await rebuild(sql, projection, keepProgress(sql, turn, held.cameFurther), applying);
  } catch (error) {
    failure = failureOf(error, events);
  } finally {
    held.end();
  }
  await sql`
    update timeline.projection_rebuild
    set finished_at = clock_timestamp(), code = ${failure.code}, problem = ${failure.problem}
    where id = ${turn.id} and taken_by = ${turn.process} and finished_at is null
  `;
}

/**
 * Signs of life while it is at work: a batch of slow events, or the last step of a large read model, takes longer than the
 * lease, and two processes would begin anew in turn for ever.
 */
function holdTurn(sql: Sql, { id, process, leaseS }: Turn) {
  let furtherAt = performance.now();
  const renew = async () => {
    if (performance.now() - furtherAt > STUCK_AFTER_MS) return;
    await sql`
      update timeline.projection_rebuild set taken_until = clock_timestamp() + make_interval(secs => ${leaseS})
      where id = ${id} and taken_by = ${process} and finished_at is null
    `;
  };
  // One that cannot be written is made up for by the next: there are four of them in a lease.
  const timer = setInterval(() => void renew().catch(() => {}), leaseS * 250);
  return {
    cameFurther: () => {
      furtherAt = performance.now();
    },
    end: () => clearInterval(timer),
  };
}

function keepProgress(sql: Sql, { id, process, leaseS }: Turn, cameFurther: () => void): RebuildProgress {
  return async (events, share) => {
    cameFurther();
    const kept = await sql`
      update timeline.projection_rebuild set events = ${events}, share = ${share},
        taken_until = clock_timestamp() + make_interval(secs => ${leaseS})
      where id = ${id} and taken_by = ${process} and finished_at is null returning id
    `;
    if (kept.length === 0) throw new Error("another process has taken the rebuild over");
  };
}

type Failure = Pick<RebuildRow, "code" | "problem">;

/** Events of any saga, and of any definition: what stands in them is masked, for everybody, as in the log of a handler. */
function failureOf(error: unknown, events: readonly TimelineEvent[]): Failure {
  const message = error instanceof Error ? error.message : String(error);
  const masked = withoutPayload(
    message,
    events.map(({ body }) => body),
  );
  // What no row can keep would leave the rebuild without an end, and it would be carried out again for ever.
  const problem = masked.slice(0, PROBLEM_MAX).replaceAll("\u0000", "\uFFFD").toWellFormed();
  if (error instanceof Refusal) return { code: error.code, problem };
  const state = error instanceof Error && error.name === "PostgresError" ? errorCode(error) : undefined;
  return { code: state === undefined ? "exception" : `sql_${state}`, problem };
}
