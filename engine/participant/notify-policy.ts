import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import type { Failed } from "./call.ts";

/** How a notification, which nobody answers, is tried again within its one message. */
export interface NotifyPolicy {
  readonly attempts: number;
  readonly backoffMs: number;
  readonly factor: number;
  readonly maxMs: number;
  readonly never: readonly Json[];
}

/** True when the headers of a command say that nobody awaits its answer. */
export function isNotify(headers: JsonObject | null): boolean {
  return headers !== null && headers["notify"] === true && isJsonObject(headers["retry"]);
}

/** The retry policy that a notify step carries in its one message. Undefined: a command like any other. */
export function notifyPolicy(headers: JsonObject | null): NotifyPolicy | undefined {
  if (headers === null || !isNotify(headers)) return undefined;
  const retry = headers["retry"] as JsonObject;
  const number = (name: string, otherwise: number) => {
    const value = retry[name];
    return typeof value === "number" && Number.isFinite(value) ? value : otherwise;
  };
  return {
    attempts: retry["attempts"] === "forever" ? Number.POSITIVE_INFINITY : number("attempts", 1),
    backoffMs: number("backoffMs", 1_000),
    factor: number("factor", 2),
    maxMs: number("maxMs", 60_000),
    never: Array.isArray(retry["never"]) ? (retry["never"] as readonly Json[]) : [],
  };
}

/** True when a failed notification is to be tried once more; `used`: tries so far. */
export function mayTryAgain(
  failed: Failed | { readonly outcome: "rejected" },
  policy: NotifyPolicy,
  used: number,
): boolean {
  return (
    failed.outcome !== "rejected" && failed.retryable && !policy.never.includes(failed.code) && used < policy.attempts
  );
}

/** The pause before the next try. */
export function pauseMs(policy: NotifyPolicy, used: number): number {
  return Math.min(policy.maxMs, policy.backoffMs * policy.factor ** (used - 1));
}
