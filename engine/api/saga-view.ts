import type { InferOutput } from "valibot";

import type { Grant } from "../core/grant.ts";
import type { JsonObject } from "../core/json.ts";
import type { Sql } from "../timeline/database.ts";
import type { SagaStepRow, SagaWithSteps } from "../timeline/read-sagas.ts";
import type { Masking } from "./masking.ts";
import { pausedFor } from "./paused-groups.ts";
import type { Engine } from "./port.ts";
import type { Saga, SagaError, SagaStep, Timer } from "./saga-schema.ts";
import { openChildren, outOf, waitsOn } from "./saga-waiting.ts";
import { maskingOfSagas } from "./sensitive.ts";

/** Steps that are shown with a saga. An `each` may have ten thousand; all are listed page by page. */
const STEPS_MAX = 200;
/** One more is read, to know whether there are more. */
export const STEPS_READ = STEPS_MAX + 1;
/** The same `each` may wait for as many retries. */
const TIMERS_MAX = 200;

type SagaView = InferOutput<typeof Saga>;

/** What of a grant decides how a saga is shown. */
export type SagaGrant = Pick<Grant, "payloads" | "definitions">;

/** Sagas as the API shows them, read with `STEPS_READ` steps; sensitive values masked; `bodies` false: without input and output. */
export async function viewSagas(
  engine: Engine,
  sql: Sql,
  rows: readonly SagaWithSteps[],
  reader: SagaGrant,
  bodies = true,
): Promise<SagaView[]> {
  if (rows.length === 0) return [];
  const [masking, children, paused] = await Promise.all([
    maskingOfSagas(engine, sql, rows, reader),
    openChildren(engine, sql, rows),
    pausedFor(sql, outOf(rows), reader),
  ]);
  return rows.map((row) => {
    const waiting = waitsOn(row, children.get(row.id), reader);
    const group = waiting?.kind === "answer" ? paused.get(row.id) : undefined;
    return {
      ...view(row, masking.of(row.id), bodies),
      waiting: waiting === null || group === undefined ? waiting : { ...waiting, pausedGroup: group },
    };
  });
}

function view(row: SagaWithSteps, masking: Masking, bodies: boolean): Omit<SagaView, "waiting"> {
  const { steps } = row;
  const waiting = row.waiting_for ?? [];
  return {
    sagaId: row.id,
    definition: row.definition,
    version: row.version,
    revision: row.revision,
    status: row.status,
    key: masking.label(row.key) as string | null,
    labels: masking.label(row.labels) as JsonObject,
    ...(bodies ? { input: masking.input(row.input), output: masking.value(row.output) } : {}),
    error: row.error === null ? null : viewError(row.id, row.error, masking),
    uncompensated: row.uncompensated.map(({ step, reason }) => ({ step, reason: masking.text(reason) })),
    steps: shown(steps).map((step) => viewStep(step, masking)),
    ...(steps.length > STEPS_MAX ? { moreSteps: true as const } : {}),
    waitingFor:
      waiting.length === 0 ? null : waiting.map(({ signal, path, deadlineAt }) => ({ signal, path, deadlineAt })),
    timers: viewTimers(row.timers ?? {}),
    parent: row.parent_id === null ? null : { sagaId: row.parent_id, step: row.parent_path ?? "" },
    startedAt: row.started_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    finishedAt: row.finished_at?.toISOString() ?? null,
  };
}

/** Names of timers are `<kind>:<path>`; without a path it is the saga's own. */
function viewTimers(timers: Readonly<Record<string, string>>): InferOutput<typeof Timer>[] {
  return Object.entries(timers)
    .map(([name, dueAt]) => {
      const colon = name.indexOf(":");
      const kind = name.slice(0, colon) as InferOutput<typeof Timer>["kind"];
      return { kind, step: name.slice(colon + 1) || null, dueAt };
    })
    .sort((a, b) => Date.parse(a.dueAt) - Date.parse(b.dueAt))
    .slice(0, TIMERS_MAX);
}

/** `failed`: path of the step whose error it is; without it, that which the error names. */
function viewError(
  sagaId: string,
  error: JsonObject,
  masking: Masking,
  failed?: string,
): InferOutput<typeof SagaError> {
  const { code, message, step, line, column } = error;
  const path = failed ?? (typeof step === "string" ? step : undefined);
  return {
    code: String(code),
    message: masking.said(String(message ?? ""), path === undefined ? null : `${sagaId}/${path}`),
    step: typeof step === "string" ? step : null,
    ...(typeof line === "number" ? { line } : {}),
    ...(typeof column === "number" ? { column } : {}),
  };
}

/** Of one too many: without the oldest of those that have ended. */
function shown(steps: readonly SagaStepRow[]): readonly SagaStepRow[] {
  if (steps.length <= STEPS_MAX) return steps;
  const oldest = steps.findIndex((step) => step.finished_at !== null);
  return steps.toSpliced(Math.max(0, oldest), 1);
}

/** A step as the API shows it. Of one that was taken back an error would be that of an undoing that has succeeded since. */
export function viewStep(row: SagaStepRow, masking: Masking): InferOutput<typeof SagaStep> {
  return {
    path: row.path,
    status: row.status,
    attempts: row.attempts,
    startedAt: row.started_at?.toISOString() ?? null,
    finishedAt: row.finished_at?.toISOString() ?? null,
    ...(row.error === null || row.status === "compensated"
      ? {}
      : { error: viewError(row.saga_id, row.error, masking, row.path) }),
  };
}
