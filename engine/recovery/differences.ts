import { errorOf } from "../core/draft.ts";
import type { Json } from "../core/json.ts";
import type { ChildEntry, SagaState } from "../core/state.ts";
import { canonical } from "../timeline/idempotency.ts";
import type { Folded, MovingEvent } from "./fold.ts";
import type { FoldedStep } from "./folded-steps.ts";

/** What of a row of `timeline.saga` its events decide. */
export interface StoredSaga {
  readonly status: string;
  readonly sequence: number;
  readonly state: SagaState | null;
  readonly output: Json;
  readonly error: Json;
  readonly uncompensated: Json;
  readonly finished_at: Date | null;
  readonly key: string | null;
  readonly labels: Json;
}

/** A row of `timeline.saga_step`. */
export interface StoredStep {
  readonly path: string;
  readonly status: string;
  readonly attempts: number;
  readonly output: Json;
  readonly error: Json;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
  readonly input: Json;
  readonly result: Json;
  readonly child: ChildEntry | null;
  readonly stacked: number | null;
  readonly forgotten: boolean | null;
}

/** A field that is not what the events make of it. Values are JSON texts, long ones cut. */
export interface FieldDifference {
  /** The event that wrote the field last, as far as it is known. */
  readonly event: string | null;
  readonly field: string;
  readonly folded: string;
  readonly stored: string;
}

/** Differences that are told of one saga. */
const TOLD_MAX = 10;
const VALUE_MAX = 300;

/** Where a saga's rows differ from what its events make of it; the first few. */
export function differencesOf(folded: Folded, saga: StoredSaga, steps: readonly StoredStep[]): FieldDifference[] {
  const differences: FieldDifference[] = [];
  const compare = (event: string | null, field: string, mine: Json, theirs: Json) =>
    walk(field, mine, theirs, (at, a, b) => {
      if (differences.length < TOLD_MAX)
        differences.push({ event: event === "" ? null : event, field: at, folded: shown(a), stored: shown(b) });
    });
  for (const [field, value] of Object.entries(sagaFields(folded)))
    compare(folded.event, field, value, storedSagaFields(saga)[field] ?? null);
  const stored = new Map(steps.map((step) => [step.path, step]));
  for (const path of new Set([...folded.steps.rows.keys(), ...stored.keys()])) {
    const mine = folded.steps.rows.get(path);
    const theirs = stored.get(path);
    compare(
      mine?.event ?? null,
      `steps.${path}`,
      mine === undefined ? null : stepFields(mine),
      theirs === undefined ? null : storedStepFields(theirs),
    );
  }
  return differences;
}

/** Where a saga's row differs from what its start has recorded. What a start does not say is not compared. */
export function startDifferences([first]: readonly MovingEvent[], { key, labels }: StoredSaga): FieldDifference[] {
  const body = first?.message_body ?? null;
  if (first?.message_type !== "saga.started" || !isObject(body)) return [];
  const differences: FieldDifference[] = [];
  for (const [field, stored] of Object.entries({ key, labels }))
    if (field in body)
      walk(field, body[field] ?? null, stored, (at, mine, theirs) =>
        differences.push({ event: first.message_id, field: at, folded: shown(mine), stored: shown(theirs) }),
      );
  return differences;
}

function sagaFields({ state, sequence, finishedAt }: Folded): Record<string, Json> {
  const failure = state?.parked ?? state?.failure;
  return {
    status: state?.status ?? "running",
    sequence,
    output: state?.output ?? null,
    error: failure === undefined ? null : (errorOf(failure) as unknown as Json),
    uncompensated: (state?.uncompensated ?? []) as unknown as Json,
    finishedAt,
    state: state as unknown as Json,
  };
}

function storedSagaFields(saga: StoredSaga): Record<string, Json> {
  const { status, sequence, output, error, uncompensated, finished_at, state } = saga;
  const finishedAt = finished_at?.toISOString() ?? null;
  return { status, sequence, output, error, uncompensated, finishedAt, state: state as unknown as Json };
}

function stepFields(row: FoldedStep): Json {
  const { status, attempts, startedAt, finishedAt } = row;
  return {
    status,
    attempts,
    startedAt,
    finishedAt,
    output: row.output ?? null,
    error: row.error ?? null,
    input: row.input ?? null,
    result: row.result ?? null,
    child: (row.child ?? null) as unknown as Json,
    stacked: row.stacked ?? null,
    forgotten: row.forgotten ?? null,
  };
}

function storedStepFields(row: StoredStep): Json {
  const { status, attempts, output, error, input, result, stacked, forgotten } = row;
  return {
    status,
    attempts,
    startedAt: row.started_at?.toISOString() ?? null,
    finishedAt: row.finished_at?.toISOString() ?? null,
    output,
    error,
    input,
    result,
    child: row.child as unknown as Json,
    stacked,
    forgotten,
  };
}

/** Goes down to where two values differ. What is not there and what is null are the same: a column tells no two. */
function walk(at: string, mine: Json, theirs: Json, found: (at: string, mine: Json, theirs: Json) => void): void {
  if (canonical(mine ?? null) === canonical(theirs ?? null)) return;
  if (!isObject(mine) || !isObject(theirs)) return found(at, mine ?? null, theirs ?? null);
  for (const key of new Set([...Object.keys(mine), ...Object.keys(theirs)]))
    walk(`${at}.${key}`, mine[key] ?? null, theirs[key] ?? null, found);
}

function isObject(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shown(value: Json): string {
  const text = JSON.stringify(value ?? null);
  return text.length > VALUE_MAX ? `${text.slice(0, VALUE_MAX)}…` : text;
}
