import type { JsonObject } from "../../engine/core/json.ts";
import type { Outcome, Plan } from "../../engine/simulate/plan.ts";
import { simulate } from "../../engine/simulate/simulate.ts";
import type { Run } from "../../engine/simulate/story.ts";
import { define } from "../core/explorer/model.ts";

export const FAILED: Outcome = { end: "failed", code: "exception", retryable: true };
export const SUCCEEDED: Outcome = { end: "succeeded" };

/** A simulated saga of these steps, without any handler behind it. */
export function simulated(steps: string, plan: Partial<Plan> = {}, input: JsonObject = {}): Run {
  const definition = define(`saga: test\nversion: 1\n${steps}`);
  return simulate(definition, { input, outcomes: {}, signals: [], ...plan }, null);
}

/** What happened, one line each: `1s screen: failed (attempt 2)`. */
export function told({ entries }: Run): string[] {
  return entries.map(({ atMs, step = "", text }) => `${atMs / 1000}s ${step}: ${text}`);
}
