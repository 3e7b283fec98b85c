import type * as v from "valibot";

import type { PausedGroup } from "../api/saga-schema.ts";
import { oneLine } from "../telemetry/printable.ts";
import { time } from "./table.ts";

type Paused = v.InferOutput<typeof PausedGroup>;

/** Since when a group is paused, by whom and why, as far as the engine tells. */
export function pausedText({ since, by, reason }: Paused): string {
  const when = since === null ? "" : ` since ${time(since)}`;
  const who = typeof by === "string" ? ` by ${by}` : "";
  const why = typeof reason === "string" ? `: ${reason}` : "";
  return oneLine(`${when}${who}${why}`);
}

/** The command that takes it on. What is held after a recovery no person has paused, and none may resume. */
export function resumeOrder({ group, since }: Paused): string {
  return since === null ? "ekiden recover" : `ekiden resume ${group} --reason "…"`;
}
