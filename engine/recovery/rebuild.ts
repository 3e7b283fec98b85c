import { createHash } from "node:crypto";

import { Refusal } from "../core/refusal.ts";
import type { TimelineEvent } from "../sdk.ts";
import type { Sql, Tx } from "../timeline/database.ts";
import { newId } from "../timeline/ids.ts";
import { inboxHorizon } from "./inbox-horizon.ts";

const BATCH = 500;
/** Events looked at in one statement for whether they are done. */
const CLAIM_BATCH = 2_000;

/** What of a projection a rebuild needs; `engine/participant` provides it. */
export interface Rebuildable {
  readonly group: string;
  readonly eventTypes: readonly string[];
  /** The table that it keeps, with its schema; null: it does not say. */
  readonly table: string | null;
  /** Applies events to another table of the same form, in one transaction. */
  applyTo(table: string, events: readonly TimelineEvent[]): Promise<void>;
  /**
   * Ends a rebuild, in one transaction during which the projection applies nothing: what the shadow holds already is
   * claimed where the projection has not done it, the rest is applied to the shadow, or all of it to the emptied read
   * model itself, and claimed, and readers see it with the commit.
   */
  replace(shadow: string | null, rest: RebuildRest): Promise<void>;
}

/** What of an event its claim needs. */
type Claimable = Pick<TimelineEvent, "messageId" | "sagaId" | "at">;

/** What is left to be done at the end of a rebuild, in batches; read when it is asked for. */
interface RebuildRest {
  /** Applied to the shadow, and not done by the projection: it lagged behind, was paused, or failed. */
  claims(): AsyncIterable<readonly Claimable[]>;
  /** Behind what the shadow holds. */
  events(): AsyncIterable<readonly TimelineEvent[]>;
}

/** How far a rebuild is: events applied, and the share of them, 0 to 1. */
export type RebuildProgress = (events: number, share: number) => Promise<void>;

/** Hears which events are applied next: what fails may quote them. */
type Applying = (events: readonly TimelineEvent[]) => void;

interface EventRow {
  message_id: string;
  xid: string;
  message_type: string;
  correlation_id: string;
  saga: string;
  step_key: string | null;
  action: string | null;
  requested_at: Date;
  message_body: TimelineEvent["body"];
}

interface Place {
  readonly xid: string;
  readonly message_id: string;
}

const START: Place = { xid: "0", message_id: "" };

/**
 * Builds a projection anew from the event store while it goes on, and returns the number of events applied. Readers see
 * the old rows until the new ones take their place in one commit. With a table of its own to say, the new rows are built
 * beside it, in short transactions; without one, all of it is one long transaction. One that is killed has changed nothing.
 * @throws Refusal `projection.history-forgotten`
 */
export async function rebuild(
  sql: Sql,
  projection: Rebuildable,
  progress: RebuildProgress,
  applying: Applying = () => {},
): Promise<number> {
  await refuseForgotten(sql, projection.group);
  const { table } = projection;
  const shadow = table === null ? null : await makeShadow(sql, table);
  try {
    return await buildWith(sql, projection, shadow, progress, applying);
  } finally {
    if (shadow !== null) await sql`drop table if exists ${sql(shadow)}`;
  }
}

async function buildWith(
  sql: Sql,
  projection: Rebuildable,
  shadow: string | null,
  progress: RebuildProgress,
  applying: Applying,
): Promise<number> {
  let place = START;
  let events = 0;
  const share = await shareOfTime(sql);
  const count = async (rows: readonly EventRow[]) => {
    events += rows.length;
    await progress(events, share(rows));
  };
  const told = (rows: readonly EventRow[]) => {
    const next = rows.map(toEvent);
    applying(next);
    return next;
  };
  if (shadow !== null) {
    for (let more = true; more; ) {
      const rows = await read(sql, projection, place, true);
      await projection.applyTo(shadow, told(rows));
      place = rows.at(-1) ?? place;
      await count(rows);
      more = rows.length === BATCH;
    }
  }
  const claims = async function* () {
    for await (const batch of notDone(sql, projection, place)) {
      yield batch;
      await count([]);
    }
  };
  const rest = async function* () {
    for (let more = true; more; ) {
      const rows = await read(sql, projection, place, false);
      place = rows.at(-1) ?? place;
      if (rows.length > 0) yield told(rows);
      await count(rows);
      more = rows.length === BATCH;
    }
    // A month that was dropped meanwhile moved the horizon before its first row went.
    await refuseForgotten(sql, projection.group);
  };
  await projection.replace(shadow, { claims, events: rest });
  return events;
}

/**
 * Rows that came from events of a month that was dropped would be gone with a rebuild.
 * @throws Refusal `projection.history-forgotten`
 */
export async function refuseForgotten(sql: Sql | Tx, group: string): Promise<void> {
  if ((await inboxHorizon(sql)) === null) return;
  const message = `${group} cannot be built anew: months of the event store were dropped, and with them events that made its rows`;
  const hint = "Mend the rows by a migration of the domain. `ekiden partitions` says which months were dropped.";
  throw new Refusal("projection.history-forgotten", message, hint);
}

/** How far what was read reaches from the first event to now: to count them all would be to read them all. */
async function shareOfTime(sql: Sql): Promise<(rows: readonly EventRow[]) => number> {
  const [clock] = await sql<{ now: Date }[]>`select clock_timestamp() as now`;
  const end = (clock as { now: Date }).now.getTime();
  let first: number | undefined;
  let share = 0;
  return (rows) => {
    const reached = rows.at(-1)?.requested_at.getTime();
    if (reached === undefined) return share;
    first ??= rows[0]?.requested_at.getTime() ?? reached;
    // Of two transactions the later may have written its events earlier; what is told only grows.
    share = Math.max(share, end <= first ? 1 : Math.min(1, (reached - first) / (end - first)));
    return share;
  };
}

/**
 * A table of the same form beside it, empty, of this attempt alone: one that was taken over must not write into its
 * successor's. Those that earlier attempts left behind go. A name of fixed length: cut off at 63 bytes, that of a long
 * table with an ending would be the table itself.
 */
async function makeShadow(sql: Sql, table: string): Promise<string> {
  const [schema = ""] = table.split(".", 1);
  const start = `rebuild_${createHash("sha256").update(table).digest("hex").slice(0, 10)}_`;
  const shadow = `${schema}.${start}${newId().toLowerCase()}`;
  await sql.begin(async (tx) => {
    const left = await tx<{ name: string }[]>`
      select tablename as name from pg_tables where schemaname = ${schema} and starts_with(tablename, ${start})
    `;
    for (const { name } of left) await tx`drop table if exists ${tx(schema)}.${tx(name)}`;
    await tx`create table ${tx(shadow)} (like ${tx(table)} including all)`;
    await tx`
      comment on table ${tx(shadow)} is 'A read model that is being built anew; it goes when that has ended.'
    `;
    const [login] = await tx<{ role_name: string }[]>`
      select role_name from timeline.domain_login where domain = ${schema}
    `;
    if (login !== undefined) await tx`grant select, insert, update, delete on ${tx(shadow)} to ${tx(login.role_name)}`;
  });
  return shadow;
}

/** Events up to a place that the projection has not done; the batches tell how it goes on, and may be empty. */
async function* notDone(
  sql: Sql,
  { group, eventTypes }: Rebuildable,
  last: Place,
): AsyncIterable<readonly Claimable[]> {
  let place = START;
  for (let more = true; more; ) {
    const rows = await sql<(Place & { correlation_id: string; requested_at: Date; done: boolean })[]>`
      select e.message_id, e.xid::text as xid, e.correlation_id, e.requested_at, c.done is not null as done
      from (
        select r.message_id, r.xid, r.correlation_id, r.requested_at from timeline.event_request r
        where r.topic = 'timeline' and r.message_type = any (${sql.array([...eventTypes])}::text[])
          and (r.xid, r.message_id) > (${place.xid}::xid8, ${place.message_id})
          and (r.xid, r.message_id) <= (${last.xid}::xid8, ${last.message_id})
        order by r.xid, r.message_id
        limit ${CLAIM_BATCH}
      ) e
      left join lateral (
        select true as done from timeline.event_consumption q
        where q.consumer_group = ${group} and q.message_id = e.message_id and q.consumed_at is not null and not q.error_flag
        offset 0
      ) c on true
      order by e.xid, e.message_id
    `;
    place = rows.at(-1) ?? place;
    more = rows.length === CLAIM_BATCH;
    yield rows
      .filter(({ done }) => !done)
      .map((row) => ({ messageId: row.message_id, sagaId: row.correlation_id, at: row.requested_at }));
  }
}

/** Behind the xid horizon nothing is passed over that is still to be committed; the rest is read under the projection's lock. */
function read(sql: Sql, { eventTypes }: Rebuildable, place: Place, settled: boolean): Promise<EventRow[]> {
  return sql<EventRow[]>`
    select r.message_id, r.xid::text as xid, r.message_type, r.correlation_id, r.saga, r.step_key, r.action, r.requested_at,
      r.message_body
    from timeline.event_request r
    where r.topic = 'timeline' and r.message_type = any (${sql.array([...eventTypes])}::text[])
      and (r.xid, r.message_id) > (${place.xid}::xid8, ${place.message_id})
      and (not ${settled}::boolean or r.xid < pg_snapshot_xmin(pg_current_snapshot()))
    order by r.xid, r.message_id
    limit ${BATCH}
  `;
}

function toEvent(row: EventRow): TimelineEvent {
  return {
    messageId: row.message_id,
    type: row.message_type,
    sagaId: row.correlation_id,
    saga: row.saga,
    stepKey: row.step_key,
    action: row.action,
    at: row.requested_at,
    body: row.message_body,
  };
}
