import { errorOf } from "../core/draft.ts";
import type { Json } from "../core/json.ts";
import { isFinal, type SagaState, type SagaStatus } from "../core/state.ts";
import type { Tx, Write } from "./database.ts";
import type { NewSaga } from "./start-write.ts";
import { type StepWrite, stepWrites } from "./step-write.ts";

/** What one or more transitions of one saga, applied in one transaction, leave behind. */
export interface SagaWrite extends StepWrite {
  readonly before: SagaState | null;
  readonly after: SagaState;
  readonly sequence: number;
  readonly unapplied: number;
  readonly taken: Readonly<Record<string, string>>;
  /** The saga has no row yet: its first transition is written with it. */
  readonly born?: NewSaga;
}

/** Writes sagas, steps, timers and mailboxes of a batch: at most two statements a table. */
export function sagaWrites(tx: Tx, writes: readonly SagaWrite[], writer: string): readonly Write[] {
  const born = writes.filter((write) => write.born !== undefined);
  const moved = writes.filter((write) => write.born === undefined);
  const statements = [
    born.length === 0 ? null : insertRows(tx, born),
    moved.length === 0 ? null : updateRows(tx, moved, writer),
    ...openWrites(tx, writes),
    ...stepWrites(tx, writes),
    ...timerWrites(tx, writes),
    takenWrite(tx, writes),
  ];
  return statements.filter((statement) => statement !== null);
}

function insertRows(tx: Tx, writes: readonly SagaWrite[]): Write {
  const rows = writes.map((write) => {
    const { parent, ...born } = write.born as NewSaga;
    return { ...born, ...columns(write), parent_id: parent?.sagaId ?? null, parent_path: parent?.path ?? null };
  });
  return tx`
    insert into timeline.saga (id, definition, version, revision, status, sequence, unapplied, key, labels, input, output,
      error, uncompensated, state, traceparent, writer, started_at, updated_at, finished_at, parent_id, parent_path)
    select w.id, w.definition, w.version, w.revision, w.status, w.sequence, w.unapplied, w.key, w.labels, w.input, w.output,
      w.error, w.uncompensated, w.state, w.traceparent, w.writer, w.started_at, w.now, case when w.final then w.now end,
      w.parent_id, w.parent_path
    from jsonb_to_recordset(${tx.json(rows as never)}) as w (id text, definition text, version integer, revision text,
      status text, sequence bigint, unapplied integer, key text, labels jsonb, input jsonb, output jsonb, error jsonb,
      uncompensated jsonb, state jsonb, traceparent text, writer text, started_at timestamptz, now timestamptz, final boolean,
      parent_id text, parent_path text)
  `;
}

function columns({ sagaId, after, sequence, unapplied, now }: SagaWrite) {
  return {
    id: sagaId,
    status: after.status,
    sequence,
    unapplied,
    output: after.output ?? null,
    error: errorView(after),
    uncompensated: after.uncompensated,
    state: after,
    now,
    final: isFinal(after.status),
  };
}

function updateRows(tx: Tx, writes: readonly SagaWrite[], writer: string): Write {
  const rows = writes.map(columns);
  return tx`
    update timeline.saga s set status = w.status, sequence = w.sequence, unapplied = w.unapplied, output = w.output,
      error = w.error, uncompensated = w.uncompensated, state = w.state, updated_at = w.now, writer = ${writer},
      finished_at = case when w.final then coalesce(s.finished_at, w.now) end
    from jsonb_to_recordset(${tx.json(rows as never)}) as w (id text, status text, sequence bigint, unapplied integer,
      output jsonb, error jsonb, uncompensated jsonb, state jsonb, now timestamptz, final boolean)
    where s.id = w.id
  `;
}

function errorView(state: SagaState): Json {
  const failure = state.parked ?? state.failure;
  return failure === undefined ? null : errorOf(failure);
}

/**
 * Under which status a saga is among the open ones; null: it is not. A completed child that its parent takes back keeps
 * its status; while it is stuck there a person finds it among the parked.
 */
function openAs({ status, parked, reversal }: SagaState): SagaStatus | null {
  if (!isFinal(status)) return status;
  return reversal === "running" && parked !== undefined ? "parked" : null;
}

function openWrites(tx: Tx, writes: readonly SagaWrite[]): readonly (Write | null)[] {
  const changed = writes
    .map(({ sagaId, before, after }) => ({
      id: sagaId,
      was: before === null ? "running" : openAs(before),
      is: openAs(after),
    }))
    .filter(({ was, is }) => was !== is);
  if (changed.length === 0) return [];
  const final = changed.filter(({ is }) => is === null).map(({ id }) => id);
  const rows = changed.flatMap(({ id, was, is }) => (was !== null && is !== null ? [{ id, status: is }] : []));
  const stuck = changed.filter(({ was, is }) => was === null && is !== null).map(({ id }) => id);
  return [
    final.length === 0 ? null : tx`delete from timeline.saga_open where saga_id = any (${tx.array(final)}::text[])`,
    stuck.length === 0
      ? null
      : tx`
          insert into timeline.saga_open (saga_id, definition, status)
          select s.id, s.definition, 'parked' from timeline.saga s where s.id = any (${tx.array(stuck)}::text[])
          on conflict do nothing
        `,
    rows.length === 0
      ? null
      : tx`
          update timeline.saga_open o set status = w.status
          from jsonb_to_recordset(${tx.json(rows)}) as w (id text, status text)
          where o.saga_id = w.id and o.status <> w.status
        `,
  ];
}

function timerWrites(tx: Tx, writes: readonly SagaWrite[]): readonly (Write | null)[] {
  const set: { saga_id: string; name: string; due_at: string }[] = [];
  const cleared: { saga_id: string; name: string }[] = [];
  for (const { sagaId, before, after } of writes) {
    const was = before?.timers ?? {};
    for (const [name, due] of Object.entries(after.timers)) {
      if (was[name] !== due) set.push({ saga_id: sagaId, name, due_at: due });
    }
    for (const name of Object.keys(was)) if (!(name in after.timers)) cleared.push({ saga_id: sagaId, name });
  }
  return [
    set.length === 0
      ? null
      : tx`
          insert into timeline.timer (saga_id, name, due_at)
          select saga_id, name, due_at from jsonb_to_recordset(${tx.json(set)}) as w (saga_id text, name text, due_at timestamptz)
          on conflict (saga_id, name) do update set due_at = excluded.due_at
        `,
    cleared.length === 0
      ? null
      : tx`
          delete from timeline.timer t using jsonb_to_recordset(${tx.json(cleared)}) as w (saga_id text, name text)
          where t.saga_id = w.saga_id and t.name = w.name
        `,
  ];
}

function takenWrite(tx: Tx, writes: readonly SagaWrite[]): Write | null {
  const rows = writes.flatMap(({ taken }) => Object.entries(taken).map(([message_id, path]) => ({ message_id, path })));
  if (rows.length === 0) return null;
  return tx`
    update timeline.signal s set taken_by = w.path
    from jsonb_to_recordset(${tx.json(rows)}) as w (message_id text, path text) where s.message_id = w.message_id
  `;
}
