import type { Json, JsonObject } from "../core/json.ts";
import { durationMs } from "../definition/duration.ts";

/** How one attempt of a step or of a compensation ends. `afterMs`: it waits that long before it runs. */
export type Outcome = { readonly afterMs?: number } & (
  | {
      readonly end: "succeeded";
      /** Fields of it replace those of the output that is made from the schema. */
      readonly output?: Json;
    }
  | { readonly end: "rejected"; readonly code: string }
  | { readonly end: "failed"; readonly code: string; readonly retryable: boolean }
  /** An external call whose end nobody saw. */
  | { readonly end: "unknown" }
  /** No answer ever comes. */
  | { readonly end: "silent" }
);

/** A signal that comes. Without `atMs` as soon as the saga waits for it. */
export interface PlannedSignal {
  readonly signal: string;
  /** Absent: made from the wait's `returns`. */
  readonly payload?: Json;
  readonly atMs?: number;
}

/** What happens to a saga from outside. Times are milliseconds from its start. */
export interface Plan {
  readonly input: JsonObject;
  /**
   * By step: `screen`, `ship[3]`, a path; `undo screen`: its compensation. One outcome an attempt, the last one for all
   * that follow. A step that is not named succeeds.
   */
  readonly outcomes: Readonly<Record<string, readonly Outcome[]>>;
  readonly signals: readonly PlannedSignal[];
  readonly cancelAtMs?: number;
  /** The clock stops here. Absent: when nothing more can happen. */
  readonly untilMs?: number;
  /** ISO 8601. */
  readonly startedAt?: string;
}

/** A time after the start, in milliseconds: `0s`, `3d`, `1m 30s`. Undefined: it is none. */
export function timeMs(text: string): number | undefined {
  const parts = text.split(/\s+/).map((part) => (/^0(?:ms|[smhd])?$/.test(part) ? 0 : durationMs(part)));
  return parts.reduce((sum, part) => (sum === undefined || part === undefined ? undefined : sum + part), 0);
}

/** How long a time is, as people write it: `3d`, `1h 30m`, `0s`. */
export function durationText(ms: number): string {
  const units = [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["m", 60_000],
  ] as const;
  let rest = ms;
  const parts: string[] = [];
  for (const [unit, length] of units) {
    const whole = Math.floor(rest / length);
    if (whole > 0) parts.push(`${whole}${unit}`);
    rest -= whole * length;
  }
  if (rest > 0 || parts.length === 0) parts.push(`${Number((rest / 1000).toFixed(3))}s`);
  return parts.join(" ");
}
