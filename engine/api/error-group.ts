import type { InferOutput } from "valibot";

import { type ErrorGroupRow, WHAT_DIFFERS } from "../timeline/error-groups.ts";
import type { ParkedGroup } from "./parked-schema.ts";

/** A group of failed steps as the API shows it; `error`: of its newest saga, what is sensitive masked. */
export function viewErrorGroup(
  row: ErrorGroupRow,
  error: InferOutput<typeof ParkedGroup>["error"],
): InferOutput<typeof ParkedGroup> {
  return {
    groupId: row.id,
    definition: row.definition,
    step: row.step,
    consumerGroup: row.consumer_group,
    error,
    pattern: row.differ ? (error?.message.replace(new RegExp(WHAT_DIFFERS, "g"), "…") ?? null) : null,
    sagas: row.sagas,
    firstAt: row.first_at.toISOString(),
    lastAt: row.last_at.toISOString(),
    newestSagaId: row.newest_saga_id,
  };
}
