import type { Json, JsonObject } from "../core/json.ts";
import type { SagaStatus, Uncompensated, Waiting } from "../core/state.ts";
import type { Sql } from "./database.ts";
import type { Fragment } from "./error-groups.ts";
import { retryingIn } from "./read-retrying.ts";

/**
 * A row of `timeline.saga`, without the orchestrator's state but for what it waits for and its timers. Where bodies are
 * not asked for, null stands for input and output.
 */
export interface SagaRow {
  readonly id: string;
  readonly definition: string;
  readonly version: number;
  readonly revision: string;
  readonly status: SagaStatus;
  readonly key: string | null;
  readonly labels: JsonObject;
  readonly input: Json;
  readonly output: Json;
  readonly error: JsonObject | null;
  readonly uncompensated: readonly Uncompensated[];
  readonly waiting_for: readonly Waiting[] | null;
  /** Name → due. The state has what `timeline.timer` has, in the row that is read anyway. */
  readonly timers: Readonly<Record<string, string>> | null;
  /** A completed child that is parked while its parent takes it back. */
  readonly is_stuck: boolean;
  /** A completed child that is being taken back. */
  readonly is_undone: boolean;
  readonly started_at: Date;
  readonly updated_at: Date;
  readonly finished_at: Date | null;
  /** Of a child saga. */
  readonly parent_id: string | null;
  readonly parent_path: string | null;
}

/** A row of `timeline.saga_step`. */
export interface SagaStepRow {
  readonly saga_id: string;
  readonly path: string;
  readonly status: string;
  readonly attempts: number;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
  /** Why its last attempt came to nothing; null also where it is not read. */
  readonly error: JsonObject | null;
}

/** A step as it is read with its saga: path, status, attempts, start and end as JSON has times, error. */
type StepColumns = readonly [string, string, number, string | null, string | null, JsonObject | null];

/** A saga with its steps, as both stood at one moment. */
export interface SagaWithSteps extends SagaRow {
  /** In the order in which the saga reached them; of more than were asked for those that have not ended, then the newest. */
  readonly steps: readonly SagaStepRow[];
}

/** Which sagas to list. All that is given must hold. */
export interface SagaFilter {
  /** Of one of these. */
  readonly definitions?: readonly string[] | undefined;
  readonly statuses?: readonly SagaStatus[] | undefined;
  readonly key?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** Children of this saga. */
  readonly parent?: string | undefined;
  /** Open sagas that are at this step; with `[]` for the number of an item, at any of them. */
  readonly step?: string | undefined;
  readonly startedAfter?: Date | undefined;
  readonly startedBefore?: Date | undefined;
  /** Running on this revision. */
  readonly revision?: string | undefined;
  /** True: open sagas that wait for the next attempt of a step. */
  readonly retrying?: boolean | undefined;
  /** Open sagas of this group of those that wait for the next attempt of a step. */
  readonly retryingGroup?: string | undefined;
  readonly endedAfter?: Date | undefined;
  readonly endedBefore?: Date | undefined;
  /** Only sagas older than this one. */
  readonly before?: string | undefined;
  readonly limit: number;
  /** False: without input and output. */
  readonly bodies?: boolean | undefined;
}

const OPEN: ReadonlySet<SagaStatus> = new Set(["running", "compensating", "parked"]);
/** How far a process's clock, which makes the ids, may be off the database's, which writes `started_at`. */
const CLOCKS_APART_MS = 86_400_000;

/** One saga; undefined when there is none. */
export async function readSaga(sql: Sql, id: string): Promise<SagaRow | undefined> {
  const [row] = await sql<SagaRow[]>`select ${sagaColumns(sql)} from timeline.saga s where s.id = ${id}`;
  return row;
}

/** Some sagas, in no order, each with at most `steps` of its steps; `bodies` false: without input and output. */
export async function readSagasById(
  sql: Sql,
  ids: readonly string[],
  steps: number,
  bodies = true,
): Promise<readonly SagaWithSteps[]> {
  return withSteps(
    await sql<ReadRow[]>`
      select ${sagaColumns(sql, bodies)}, ${stepsColumn(sql, steps, sql`q.error`)}
      from timeline.saga s where s.id = any (${sql.array([...ids])}::text[])
    `,
  );
}

/** Sagas, newest first, each with at most `steps` of its steps, without their errors: a page of sagas may have 40,000. */
export async function listSagas(sql: Sql, filter: SagaFilter, steps: number): Promise<readonly SagaWithSteps[]> {
  const { definitions, statuses, key, labels, parent, step, startedAfter, startedBefore, before, limit } = filter;
  const { revision, retrying, retryingGroup, endedAfter, endedBefore, bodies } = filter;
  // Open sagas are few and lie in a side table; in timeline.saga no index knows the status.
  const open =
    step !== undefined ||
    retrying === true ||
    retryingGroup !== undefined ||
    (statuses?.every((status) => OPEN.has(status)) ?? false);
  const from = open ? sql`timeline.saga_open o join timeline.saga s on s.id = o.saga_id` : sql`timeline.saga s`;
  const id = open ? sql`o.saga_id` : sql`s.id`;
  const rows = await sql<ReadRow[]>`
    select ${sagaColumns(sql, bodies)}, ${stepsColumn(sql, steps, sql`null::jsonb`)}
    from ${from}
    where true
      ${statuses === undefined ? sql`` : sql`and ${open ? sql`o.status` : sql`s.status`} = any(${[...statuses]})`}
      ${definitions === undefined ? sql`` : sql`and s.definition = any(${[...definitions]})`}
      ${key === undefined ? sql`` : sql`and s.key = ${key}`}
      ${parent === undefined ? sql`` : sql`and s.parent_id = ${parent}`}
      ${step === undefined ? sql`` : sql`and ${isAt(sql, step)}`}
      ${Object.entries(labels).reduce((all, [name, value]) => sql`${all} ${hasLabel(sql, name, value)}`, sql``)}
      ${startedAfter === undefined ? sql`` : sql`and s.started_at > ${startedAfter} and ${id} >= ${idBound(sql, startedAfter, -CLOCKS_APART_MS)}`}
      ${startedBefore === undefined ? sql`` : sql`and s.started_at < ${startedBefore} and ${id} < ${idBound(sql, startedBefore, CLOCKS_APART_MS)}`}
      ${revision === undefined ? sql`` : sql`and s.revision = ${revision}`}
      ${retrying === undefined ? sql`` : sql`and ${retrying ? sql`` : sql`not`} exists (select from timeline.timer t where t.saga_id = s.id and t.name like 'retry:%')`}
      ${retryingGroup === undefined ? sql`` : sql`and o.saga_id = any (array(${retryingIn(sql, retryingGroup)}))`}
      ${endedAfter === undefined ? sql`` : sql`and s.finished_at >= ${endedAfter} and s.id in (${endedSince(sql, endedAfter)})`}
      ${endedBefore === undefined ? sql`` : sql`and s.finished_at < ${endedBefore} and ${id} < ${idBound(sql, endedBefore, CLOCKS_APART_MS)}`}
      ${before === undefined ? sql`` : sql`and ${id} < ${before}`}
    order by ${id} desc
    limit ${limit}
  `;
  return withSteps(rows);
}

/** Steps of one saga by path, behind one of them. */
export async function listSteps(
  sql: Sql,
  sagaId: string,
  after: string | undefined,
  limit: number,
): Promise<readonly SagaStepRow[]> {
  return sql<SagaStepRow[]>`
    select saga_id, path, status, attempts, started_at, finished_at, error
    from timeline.saga_step where saga_id = ${sagaId} ${after === undefined ? sql`` : sql`and path > ${after}`}
    order by path limit ${limit}
  `;
}

function sagaColumns(sql: Sql, bodies = true) {
  const payloads = bodies ? sql`s.input, s.output` : sql`null::jsonb as input, null::jsonb as output`;
  return sql`
    s.id, s.definition, s.version, s.revision, s.status, s.key, s.labels, ${payloads}, s.error, s.uncompensated,
    s.state->'waitingFor' as waiting_for, s.state->'timers' as timers,
    s.status = 'completed' and coalesce(s.state->>'reversal' = 'running' and s.state ? 'parked', false) as is_stuck,
    s.status = 'completed' and coalesce(s.state->>'reversal' = 'running', false) as is_undone,
    s.started_at, s.updated_at, s.finished_at, s.parent_id, s.parent_path
  `;
}

type ReadRow = SagaRow & { readonly steps: readonly StepColumns[] | null };

function withSteps(rows: readonly ReadRow[]): readonly SagaWithSteps[] {
  return rows.map((row) => ({ ...row, steps: (row.steps ?? []).map((step) => stepRow(row.id, step)) }));
}

function stepRow(sagaId: string, [path, status, attempts, started, finished, error]: StepColumns): SagaStepRow {
  const at = (time: string | null) => (time === null ? null : new Date(time));
  return { saga_id: sagaId, path, status, attempts, started_at: at(started), finished_at: at(finished), error };
}

/** In the saga's own statement: by another one a saga that moves meanwhile would be shown with steps of another moment. */
function stepsColumn(sql: Sql, most: number, error: Fragment) {
  return sql`(
    select json_agg(json_build_array(q.path, q.status, q.attempts, q.started_at, q.finished_at, q.error)
      order by q.started_at nulls last, q.path)
    from (
      select q.path, q.status, q.attempts, q.started_at, q.finished_at, ${error} as error
      from timeline.saga_step q where q.saga_id = s.id
      order by q.finished_at is null desc, q.started_at desc nulls first, q.path desc limit ${most}
    ) q
  ) as steps`;
}

/** A step that has not ended, or is parked where it is undone, by the front of its primary key. */
function isAt(sql: Sql, step: string) {
  const path = step.includes("[]") ? sql`regexp_replace(q.path, '\\[[0-9]+\\]', '[]', 'g')` : sql`q.path`;
  return sql`exists (
    select from timeline.saga_step q where q.saga_id = o.saga_id and (q.finished_at is null or q.status = 'parked') and ${path} = ${step}
  )`;
}

/**
 * By the dispatcher's key, as the overview counts them: no index knows when a saga ended. It costs what happened since. A
 * completed child that has moved since is among them, however long ago it ended: the saga's own time decides.
 */
function endedSince(sql: Sql, at: Date) {
  return sql`
    select c.correlation_id from timeline.event_consumption c
    where c.consumer_group = 'dispatcher' and c.status in ('completed', 'failed', 'cancelled', 'terminated')
      and c.message_id >= timeline.ulid_time(${at}::timestamptz)
  `;
}

/**
 * A query only has texts; the label may be a number or a boolean that reads the same. The index knows only sagas that have
 * labels, and is used where the query says so too.
 */
function hasLabel(sql: Sql, name: string, value: string) {
  const asText = sql`s.labels @> ${sql.json({ [name]: value })}`;
  const other = /^(?:true|false|-?(?:0|[1-9]\d{0,14})(?:\.\d{1,14})?)$/.test(value)
    ? (JSON.parse(value) as number | boolean)
    : undefined;
  const fits = other === undefined ? asText : sql`(${asText} or s.labels @> ${sql.json({ [name]: other })})`;
  return sql`and s.labels <> '{}' and ${fits}`;
}

/** The index is on the id, whose front is its time by another clock: a bound that spares reading, not the condition. */
function idBound(sql: Sql, at: Date, shiftMs: number) {
  return sql`timeline.ulid_time(${new Date(Math.max(0, at.getTime() + shiftMs))}::timestamptz)`;
}
