import type { InferOutput } from "valibot";

import { type Grant, isFor } from "../core/grant.ts";
import type { Sql } from "../timeline/database.ts";
import { type PausedRow, readOutFor, readPaused } from "../timeline/read-paused.ts";
import type { PausedGroup } from "./saga-schema.ts";

type View = InferOutput<typeof PausedGroup>;

/** It applies what every participant answers. */
const DISPATCHER = "dispatcher";

/** A saga that waits for an answer, and the step that is out. */
export interface Out {
  readonly sagaId: string;
  readonly step: string;
}

/**
 * The paused group on which each of some sagas waits, by the saga's id. Where none waits for an answer nothing is asked, and
 * where no group is paused one small table.
 */
export async function pausedFor(
  sql: Sql,
  out: readonly Out[],
  reader: Pick<Grant, "definitions">,
): Promise<ReadonlyMap<string, View>> {
  const paused = out.length === 0 ? [] : await readPaused(sql);
  if (paused.length === 0) return new Map();
  const views = new Map(paused.map((row) => [row.consumer_group, viewPaused(row, reader)]));
  const dispatcher = views.get(DISPATCHER);
  const found = new Map<string, View>();
  if (dispatcher !== undefined) for (const { sagaId } of out) found.set(sagaId, dispatcher);
  for (const { saga_id: sagaId, domain } of await readOutFor(sql, out, [...views.keys()])) {
    const view = views.get(domain);
    if (view !== undefined) found.set(sagaId, view);
  }
  return found;
}

/** Who paused a group, and why, is for whoever may read of groups. */
export function viewPaused(
  { consumer_group: group, reason, at, actor }: PausedRow,
  reader: Pick<Grant, "definitions">,
): View {
  const whole = isFor(reader, null) ? { by: actor, reason } : {};
  return { group, since: at?.toISOString() ?? null, ...whole };
}
