import type { InferOutput } from "valibot";

import type { Schedule } from "../core/definition.ts";
import { nextTime } from "../definition/cron.ts";
import type { Sql } from "../timeline/database.ts";
import type { DefinitionRow } from "../timeline/read-definitions.ts";
import { lastRuns } from "../timeline/schedule-runs.ts";
import type { DefinitionSchedule } from "./definition-schema.ts";

const RUNS_SHOWN = 20;

/** The schedule of a definition as the API shows it; one that is retired has no next time, for it would be skipped. */
export async function viewSchedule(
  sql: Sql,
  { name, retired_at: retiredAt }: DefinitionRow,
  schedule: Schedule,
): Promise<InferOutput<typeof DefinitionSchedule>> {
  const { cron, timezone, overlap } = schedule;
  const runs = await lastRuns(sql, name, RUNS_SHOWN);
  return {
    cron,
    timezone,
    overlap,
    nextAt: retiredAt === null ? (nextTime(schedule, new Date())?.toISOString() ?? null) : null,
    runs: runs.map((run) => ({
      plannedAt: run.planned_at.toISOString(),
      status: run.status,
      sagaId: run.saga_id,
      reason: run.reason,
    })),
  };
}
