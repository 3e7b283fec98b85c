import type { StepChange } from "../core/decision.ts";
import { errorOf } from "../core/draft.ts";
import type { Json } from "../core/json.ts";
import type { StoredChange } from "../core/stored.ts";
import type { Tx, Write } from "./database.ts";

/** Changes of the rows of one saga's steps; at most one of each kind a path. */
export interface StepWrite {
  readonly sagaId: string;
  readonly now: string;
  readonly steps: readonly StepChange[];
  readonly stored: readonly StoredChange[];
}

/** Writes the rows of steps: one statement for steps that moved, one for those of which only what is kept has changed. */
export function stepWrites(tx: Tx, writes: readonly StepWrite[]): readonly Write[] {
  const moved: unknown[] = [];
  const kept: unknown[] = [];
  for (const { sagaId, now, steps, stored } of writes) {
    const changes = new Map(stored.map((change) => [change.path, change]));
    for (const step of steps) {
      moved.push({ saga_id: sagaId, ...stepColumns(step, now), ...storedColumns(changes.get(step.path)) });
      changes.delete(step.path);
    }
    for (const [path, change] of changes) kept.push({ saga_id: sagaId, path, ...storedColumns(change) });
  }
  return [...(moved.length === 0 ? [] : [writeMoved(tx, moved)]), ...(kept.length === 0 ? [] : [writeKept(tx, kept)])];
}

function stepColumns(step: StepChange, now: string) {
  return {
    path: step.path,
    status: step.status,
    attempts: step.attempts ?? null,
    output: wrapped(step.output),
    error: step.failure === undefined ? null : errorOf(step.failure),
    started_at: step.started ? now : null,
    finished_at: step.finished ? now : null,
  };
}

function storedColumns(change: StoredChange | undefined) {
  return {
    input: wrapped(change?.input),
    result: wrapped(change?.result),
    child: change?.child ?? null,
    stacked: change?.stacked ?? null,
    forgotten: change?.forgotten ?? null,
  };
}

/** A value in a list of one, for a null that was given is kept, and one that was not changes nothing. */
function wrapped(value: Json | undefined): readonly [Json] | null {
  return value === undefined ? null : [value];
}

function writeMoved(tx: Tx, rows: readonly unknown[]): Write {
  return tx`
    insert into timeline.saga_step as s (saga_id, path, status, attempts, output, error, started_at, finished_at, input,
      result, child, stacked, forgotten)
    select w.saga_id, w.path, w.status, coalesce(w.attempts, 0), w.output->0, w.error, w.started_at, w.finished_at,
      w.input->0, w.result->0, w.child, w.stacked, w.forgotten
    from jsonb_to_recordset(${tx.json(rows as never)}) as w (saga_id text, path text, status text, attempts integer,
      output jsonb, error jsonb, started_at timestamptz, finished_at timestamptz, input jsonb, result jsonb, child jsonb,
      stacked integer, forgotten boolean)
    on conflict (saga_id, path) do update set status = excluded.status,
      attempts = greatest(s.attempts, excluded.attempts), output = coalesce(excluded.output, s.output),
      error = case when excluded.status in ('succeeded', 'running') then null else coalesce(excluded.error, s.error) end,
      started_at = coalesce(s.started_at, excluded.started_at), finished_at = coalesce(excluded.finished_at, s.finished_at),
      input = coalesce(excluded.input, s.input), result = coalesce(excluded.result, s.result),
      child = coalesce(excluded.child, s.child), stacked = coalesce(excluded.stacked, s.stacked),
      forgotten = coalesce(excluded.forgotten, s.forgotten)
  `;
}

function writeKept(tx: Tx, rows: readonly unknown[]): Write {
  return tx`
    update timeline.saga_step s set input = coalesce(w.input->0, s.input), result = coalesce(w.result->0, s.result),
      child = coalesce(w.child, s.child), stacked = coalesce(w.stacked, s.stacked),
      forgotten = coalesce(w.forgotten, s.forgotten)
    from jsonb_to_recordset(${tx.json(rows as never)}) as w (saga_id text, path text, input jsonb, result jsonb, child jsonb,
      stacked integer, forgotten boolean)
    where s.saga_id = w.saga_id and s.path = w.path
  `;
}
