import type { InferOutput } from "valibot";

import { type Grant, isFor } from "../core/grant.ts";
import { isFinal } from "../core/state.ts";
import type { Sql } from "../timeline/database.ts";
import { type OpenChildRow, readOpenChildren } from "../timeline/read-children.ts";
import type { SagaStepRow, SagaWithSteps } from "../timeline/read-sagas.ts";
import type { Out } from "./paused-groups.ts";
import type { Engine } from "./port.ts";
import type { SagaStatus, WaitsOn } from "./saga-schema.ts";
import { mayHaveChildren } from "./sensitive.ts";

type Waits = InferOutput<typeof WaitsOn>;
type ChildReader = Pick<Grant, "definitions">;

/** The open children of those sagas that may wait for one: one query for a page. */
export async function openChildren(
  engine: Engine,
  sql: Sql,
  rows: readonly SagaWithSteps[],
): Promise<ReadonlyMap<string, OpenChildRow>> {
  const parents: string[] = [];
  const undoing: string[] = [];
  for (const row of rows) {
    const isUndoing = row.status === "compensating" || (row.is_undone && !row.is_stuck);
    const isMoving = row.status === "running" || isUndoing;
    if (!isMoving || signalOf(row) !== null || !(await mayHaveChildren(engine, row))) continue;
    parents.push(row.id);
    if (isUndoing) undoing.push(row.id);
  }
  const children = parents.length === 0 ? [] : await readOpenChildren(sql, parents, undoing);
  return new Map(children.map((child) => [child.parent_id, child]));
}

/**
 * What an open saga waits for. Of several: who must act comes first, then what goes on by itself. A child of a definition
 * that the reader is not for is not named.
 */
export function waitsOn(row: SagaWithSteps, child: OpenChildRow | undefined, reader: ChildReader): Waits | null {
  if (isFinal(row.status)) return row.is_stuck ? personOf(row) : childOf(row, child, reader);
  return (
    personOf(row) ??
    signalOf(row) ??
    childOf(row, child, reader) ??
    timerOf(row, "retry") ??
    timerOf(row, "sleep") ??
    answerOf(row)
  );
}

/** The steps that are out, of sagas that may wait for the answer to one. */
export function outOf(rows: readonly SagaWithSteps[]): Out[] {
  return rows.flatMap((row) => {
    const step = isFinal(row.status) || row.status === "parked" || signalOf(row) !== null ? null : answerOf(row)?.step;
    return typeof step === "string" ? [{ sagaId: row.id, step }] : [];
  });
}

function personOf({ status, is_stuck: stuck, steps, error, updated_at: at }: SagaWithSteps): Waits | null {
  if (status !== "parked" && !stuck) return null;
  const path =
    typeof error?.["step"] === "string" ? error["step"] : steps.findLast((step) => step.status === "parked")?.path;
  return { kind: "person", step: path ?? null, since: at.toISOString(), until: null };
}

function signalOf(row: SagaWithSteps): Waits | null {
  const [first] = row.waiting_for ?? [];
  if (first === undefined) return null;
  const { signal, path, deadlineAt } = first;
  return { kind: "signal", step: path, signal, since: startOf(row, path), until: deadlineAt };
}

function childOf(row: SagaWithSteps, child: OpenChildRow | undefined, reader: ChildReader): Waits | null {
  if (child === undefined) return null;
  const { id, definition, parent_path: step, started_at: at } = child;
  const status = child.status as InferOutput<typeof SagaStatus>;
  const named = isFor(reader, definition) ? { child: { sagaId: id, status } } : {};
  const undone = row.steps.some((each) => each.path === step && each.status === "compensating");
  return { kind: "child", step, ...named, since: (undone ? row.updated_at : at).toISOString(), until: null };
}

/** The soonest timer of a kind. */
function timerOf(row: SagaWithSteps, kind: "retry" | "sleep"): Waits | null {
  const due = Object.entries(row.timers ?? {}).filter(([name]) => name.startsWith(`${kind}:`));
  const [first] = due.toSorted(([, a], [, b]) => Date.parse(a) - Date.parse(b));
  if (first === undefined) return null;
  const path = first[0].slice(kind.length + 1);
  return { kind, step: path, since: startOf(row, path), until: first[1] };
}

/** A step that is out, or is being undone. Without one the saga is between two steps. */
function answerOf(row: SagaWithSteps): Waits | null {
  const out = row.steps.findLast(({ status, attempts }) => status === "running" && attempts > 0);
  const step = out ?? row.steps.findLast(({ status }) => status === "compensating");
  return step === undefined ? null : { kind: "answer", step: step.path, since: sinceOf(row, step), until: null };
}

function startOf(row: SagaWithSteps, path: string): string {
  return sinceOf(
    row,
    row.steps.find((step) => step.path === path),
  );
}

/** When a step was begun; what undoes it has begun with some transition since, of which the last is known. */
function sinceOf({ updated_at: at }: SagaWithSteps, step: SagaStepRow | undefined): string {
  return (step === undefined || step.status === "compensating" ? at : (step.started_at ?? at)).toISOString();
}
