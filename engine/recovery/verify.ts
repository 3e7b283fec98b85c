import type { Definition } from "../core/definition.ts";
import type { Evaluator } from "../core/evaluate.ts";
import { Refusal } from "../core/refusal.ts";
import type { Sql, Tx } from "../timeline/database.ts";
import { factsOf, type SagaRow } from "../timeline/saga-row.ts";
import {
  differencesOf,
  type FieldDifference,
  startDifferences,
  type StoredSaga,
  type StoredStep,
} from "./differences.ts";
import { fold, type MovingEvent } from "./fold.ts";

/** A saga whose rows are not what its events make of them. */
export interface SagaDifference extends FieldDifference {
  readonly sagaId: string;
  readonly definition: string;
}

/** A saga that cannot be folded. */
export interface Unverifiable {
  readonly sagaId: string;
  readonly definition: string;
  readonly reason: string;
}

/** What a page of sagas has shown. */
export interface VerifyPage {
  readonly checked: number;
  readonly differences: readonly SagaDifference[];
  readonly unverifiable: readonly Unverifiable[];
  /** The last saga looked at; null: there are no more. */
  readonly last: string | null;
  /** How far it is among all sagas, 0 to 1, by the time of their start. */
  readonly share: number;
}

/** Which sagas to verify: one, or a page after another saga. */
export interface VerifyRange {
  readonly sagaId?: string | undefined;
  readonly after?: string | undefined;
  readonly limit: number;
  /** Sagas folded at once. */
  readonly parallel: number;
}

/** What verification needs of other rooms. */
export interface VerifyParts {
  readonly sql: Sql;
  readonly definition: (name: string, revision: string) => Promise<Definition>;
  readonly evaluator: Evaluator;
}

/**
 * Folds sagas from their events and compares with what is stored. Changes nothing; each saga is read in one snapshot, so
 * that those that move meanwhile are seen whole. @throws Refusal `saga.unknown`
 */
export async function verify(parts: VerifyParts, range: VerifyRange): Promise<VerifyPage> {
  const { sql } = parts;
  const ids = range.sagaId === undefined ? await nextIds(sql, range) : [range.sagaId];
  const page = ids.slice(0, range.limit);
  const differences: SagaDifference[] = [];
  const unverifiable: Unverifiable[] = [];
  const left = [...page];
  const foldNext = async () => {
    for (let id = left.shift(); id !== undefined; id = left.shift()) {
      const found = await verifyOne(parts, id);
      differences.push(...found.differences);
      unverifiable.push(...found.unverifiable);
    }
  };
  await Promise.all(Array.from({ length: range.parallel }, foldNext));
  const byId = (a: { sagaId: string }, b: { sagaId: string }) => (a.sagaId < b.sagaId ? -1 : 1);
  const last = ids.length > range.limit ? (page.at(-1) ?? null) : null;
  return {
    checked: page.length,
    differences: differences.sort(byId),
    unverifiable: unverifiable.sort(byId),
    last,
    share: last === null ? 1 : await shareOf(sql, last),
  };
}

async function nextIds(sql: Sql, { after = "", limit }: VerifyRange): Promise<readonly string[]> {
  const rows = await sql<{ id: string }[]>`
    select id from timeline.saga where id > ${after} order by id limit ${limit + 1}
  `;
  return rows.map((row) => row.id);
}

async function shareOf(sql: Sql, id: string): Promise<number> {
  const [row] = await sql<{ share: number | null }[]>`
    select extract(epoch from a.started_at - f.started_at) / nullif(extract(epoch from l.started_at - f.started_at), 0) as share
    from timeline.saga a
    cross join (select started_at from timeline.saga order by id limit 1) f
    cross join (select started_at from timeline.saga order by id desc limit 1) l
    where a.id = ${id}
  `;
  return Math.min(1, Math.max(0, Number(row?.share ?? 0)));
}

interface Found {
  readonly differences: readonly SagaDifference[];
  readonly unverifiable: readonly Unverifiable[];
}

interface Snapshot {
  readonly saga: SagaRow & StoredSaga;
  readonly steps: readonly StoredStep[];
  readonly events: readonly MovingEvent[];
}

async function verifyOne({ sql, definition, evaluator }: VerifyParts, sagaId: string): Promise<Found> {
  const snapshot = (await sql.begin("isolation level repeatable read read only", (tx) =>
    readSaga(tx, sagaId),
  )) as Snapshot | null;
  if (snapshot === null) throw new Refusal("saga.unknown", `there is no saga ${sagaId}`, "`ekiden list` shows ids.");
  const { saga, steps, events } = snapshot;
  const about = { sagaId, definition: saga.definition };
  const cannot = (reason: string): Found => ({ differences: [], unverifiable: [{ ...about, reason }] });
  let compiled: Definition;
  try {
    compiled = await definition(saga.definition, saga.revision);
  } catch (error) {
    if (error instanceof Refusal) return cannot(error.message);
    throw error;
  }
  const folded = fold(compiled, factsOf(saga), events, evaluator);
  if (folded.kind === "unverifiable") return cannot(folded.reason);
  if (folded.kind === "parted") {
    const { event, sequence, folded: words } = folded.parting;
    const difference = { event, field: `transition ${sequence}`, folded: words, stored: "a transition" };
    return { differences: [{ ...about, ...difference }], unverifiable: [] };
  }
  const differences = [...startDifferences(events, saga), ...differencesOf(folded.folded, saga, steps)];
  const hide = compiled.sensitive.length > 0;
  return {
    differences: differences.map((each) => ({ ...about, ...(hide ? hidden(each) : each) })),
    unverifiable: [],
  };
}

/** A definition with sensitive values: what was put in and given back is not told. */
function hidden(difference: FieldDifference): FieldDifference {
  if (/(^|\.)(status|sequence|attempts|startedAt|finishedAt|stacked|forgotten)$/.test(difference.field))
    return difference;
  return { ...difference, folded: "***", stored: "***" };
}

async function readSaga(tx: Tx, sagaId: string): Promise<Snapshot | null> {
  const [saga] = await tx<(SagaRow & StoredSaga)[]>`
    select id, definition, version, revision, status, sequence, unapplied, key, input, state, traceparent, writer, started_at,
      parent_id, parent_path, output, error, uncompensated, finished_at, labels
    from timeline.saga where id = ${sagaId}
  `;
  if (saga === undefined) return null;
  const steps = await tx<StoredStep[]>`
    select path, status, attempts, output, error, started_at, finished_at, input, result, child, stacked, forgotten
    from timeline.saga_step where saga_id = ${sagaId} order by path
  `;
  const events = await tx<MovingEvent[]>`
    select r.message_id, r.correlation_id, r.topic, r.message_key, r.message_type, r.saga, r.step_key, r.attempt,
      r.traceparent, r.message_body, c.sequence, c.semantics, c.read
    from (select q.* from timeline.event_request q where q.correlation_id = ${sagaId} offset 0) r
    cross join lateral (
      select e.sequence, e.semantics, e.read from timeline.event_consumption e
      where e.consumer_group = 'dispatcher' and e.message_id = r.message_id and e.sequence is not null offset 0
    ) c
    order by c.sequence
  `;
  return { saga, steps, events };
}
