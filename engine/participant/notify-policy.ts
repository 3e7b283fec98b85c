import type { Retry } from "../core/definition.ts";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import { mayRetry } from "../core/retry.ts";
import type { CallResult } from "./call.ts";

/** How a notification, which nobody answers, is tried again within its one message. */
export type NotifyPolicy = Omit<Retry, "then">;

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
    attempts: retry["attempts"] === "forever" ? "forever" : number("attempts", 1),
    backoffMs: number("backoffMs", 1_000),
    factor: number("factor", 2),
    maxMs: number("maxMs", 60_000),
    jitter: number("jitter", 0),
    also: codes(retry["also"]),
    never: codes(retry["never"]),
  };
}

function codes(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((code) => typeof code === "string") : [];
}

/** True when a notification that did not succeed is to be tried once more; `used`: tries so far. */
export function mayTryAgain(
  result: Exclude<CallResult, { outcome: "succeeded" }>,
  policy: NotifyPolicy,
  used: number,
): boolean {
  const isWanted = result.outcome === "rejected" ? policy.also.includes(result.code) : result.retryable;
  return isWanted && mayRetry(policy, result.code, used);
}
