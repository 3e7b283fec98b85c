import type * as v from "valibot";

import type { WaitsOn } from "../api/saga-schema.ts";
import { time } from "./table.ts";

/** What a saga waits for, in a few words. */
export function waitingText(waiting: v.InferOutput<typeof WaitsOn> | null): string {
  if (waiting === null) return "-";
  const { until, kind } = waiting;
  const end = until === null ? "" : kind === "signal" ? `, until ${time(until)}` : `, next ${time(until)}`;
  const paused = waiting.pausedGroup === undefined ? "" : `, group ${waiting.pausedGroup.group} is paused`;
  return `${nameOf(waiting)} since ${time(waiting.since)}${end}${paused}`;
}

function nameOf({ kind, step, signal, child }: v.InferOutput<typeof WaitsOn>): string {
  const at = step === null ? "" : ` at ${step}`;
  switch (kind) {
    case "person":
      return `a person${at}`;
    case "signal":
      return `signal ${signal ?? ""}`;
    case "child":
      return child === undefined ? `a child saga${at}` : `child ${child.sagaId} (${child.status})`;
    case "retry":
      return `a retry${at}`;
    case "sleep":
      return `a pause${at}`;
    case "answer":
      return `an answer${at}`;
    default:
      // A later engine may know more.
      return `${String(kind)}${at}`;
  }
}
