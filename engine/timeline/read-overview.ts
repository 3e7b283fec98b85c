import type { Sql } from "./database.ts";
import { isEnd } from "./saga-end.ts";

/** Open sagas of a definition in one status. */
export interface OpenRow {
  readonly definition: string;
  readonly status: string;
  readonly sagas: number;
}

/** What began (status null) or ended in one minute. */
export interface MinuteRow {
  readonly definition: string;
  readonly status: string | null;
  readonly sagas: number;
}

/** How long sagas take, of the newest that have ended; null: none has. */
export interface LastingRow {
  readonly p50_ms: number | null;
  readonly p95_ms: number | null;
}

/** The oldest saga that has not ended. */
export interface OldestRow {
  readonly id: string;
  readonly started_at: Date;
}

/** So many of the newest sagas say how long they take. */
const LASTING_OF = 1_000;

/** Open sagas, counted in the small table that holds them alone. */
export function countOpen(sql: Sql): Promise<readonly OpenRow[]> {
  return sql<OpenRow[]>`
    select definition, status, count(*)::integer as sagas from timeline.saga_open group by definition, status
  `;
}

/** Sagas that wait for the next attempt of a step. */
export async function countRetrying(sql: Sql, definitions: Definitions): Promise<number> {
  const [row] = await sql<{ sagas: number }[]>`
    select count(distinct t.saga_id)::integer as sagas
    from timeline.timer t join timeline.saga_open o on o.saga_id = t.saga_id
    where t.name like 'retry:%' ${onlyOf(sql, sql`o.definition`, definitions)}
  `;
  return row?.sagas ?? 0;
}

/** What began and what ended from one time to another; by the front of the ids, which is an index. */
export function countMinute(sql: Sql, from: Date, to: Date): Promise<readonly MinuteRow[]> {
  return sql<MinuteRow[]>`
    select s.definition, null as status, count(*)::integer as sagas from timeline.saga s
    where s.id >= timeline.ulid_time(${from}::timestamptz) and s.id < timeline.ulid_time(${to}::timestamptz)
    group by s.definition
    union all
    select s.definition, x.status, count(distinct s.id)::integer as sagas
    from timeline.event_consumption x join timeline.saga s on s.id = x.correlation_id
    where x.consumer_group = 'dispatcher' and ${isEnd(sql)}
      and x.message_id >= timeline.ulid_time(${from}::timestamptz)
      and x.message_id < timeline.ulid_time(${to}::timestamptz)
    group by s.definition, x.status
  `;
}

/** How long the newest sagas took that have ended. */
export async function readLasting(sql: Sql, definitions: Definitions): Promise<LastingRow> {
  const [row] = await sql<LastingRow[]>`
    select percentile_cont(0.5) within group (order by t.ms) as p50_ms,
      percentile_cont(0.95) within group (order by t.ms) as p95_ms
    from (
      select extract(epoch from n.finished_at - n.started_at)::float8 * 1000 as ms
      from (
        select s.started_at, s.finished_at from timeline.saga s
        where true ${onlyOf(sql, sql`s.definition`, definitions)} order by s.id desc limit ${LASTING_OF}
      ) n
      where n.finished_at is not null
    ) t
  `;
  return row ?? { p50_ms: null, p95_ms: null };
}

/** The oldest open saga; undefined: none is open. */
export async function readOldest(sql: Sql, definitions: Definitions): Promise<OldestRow | undefined> {
  const [row] = await sql<OldestRow[]>`
    select s.id, s.started_at
    from (
      select o.saga_id from timeline.saga_open o
      where true ${onlyOf(sql, sql`o.definition`, definitions)} order by o.saga_id limit 1
    ) o
    join timeline.saga s on s.id = o.saga_id
  `;
  return row;
}

type Definitions = readonly string[] | undefined;

function onlyOf(sql: Sql, column: ReturnType<Sql>, definitions: Definitions) {
  return definitions === undefined ? sql`` : sql`and ${column} = any (${[...definitions]})`;
}
