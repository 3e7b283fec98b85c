import type { Json } from "../core/json.ts";
import { durationMs } from "../definition/duration.ts";
import type { Outcome } from "./plan.ts";

/** How outcomes are written; shown where one cannot be read. */
export const OUTCOME_HINT =
  "Write succeeded, rejected, rejected:code, failed, failed:code, failed*3 (then it succeeds), fatal (not retried), " +
  "unknown or silent, and `after 2h` behind it for one that comes late.";

const WRITTEN =
  /^(succeeded|rejected|failed|fatal|unknown|silent)(?::([a-z][a-z0-9_.-]{0,63}))?(?:\*(\d{1,3}))?(?: after (\S+))?$/;
/** Code of a rejection that is given none. */
const REJECTED = "rejected";
const WITH_CODE: ReadonlySet<string> = new Set(["rejected", "failed", "fatal"]);

/** `rejected:too_late`, `failed*3`, `succeeded after 2h`: one outcome an attempt. Undefined: it is none. */
export function outcomesOf(text: string): readonly Outcome[] | undefined {
  const [, end = "", code, times, after] = WRITTEN.exec(text.trim()) ?? [];
  const afterMs = after === undefined ? undefined : durationMs(after);
  if (end === "" || (code !== undefined && !WITH_CODE.has(end)) || (after !== undefined && afterMs === undefined))
    return undefined;
  const outcome = { ...ended(end, code), ...(afterMs === undefined ? {} : { afterMs }) };
  if (times === undefined) return [outcome];
  return Number(times) < 1 ? undefined : [...Array<Outcome>(Number(times)).fill(outcome), { end: "succeeded" }];
}

/** An attempt that succeeds with these fields in its output. */
export function succeededWith(output: Json): Outcome {
  return { end: "succeeded", output };
}

function ended(end: string, code: string | undefined): Outcome {
  switch (end) {
    case "rejected":
      return { end, code: code ?? REJECTED };
    case "failed":
      return { end, code: code ?? "exception", retryable: true };
    case "fatal":
      return { end: "failed", code: code ?? "fatal", retryable: false };
    case "unknown":
    case "silent":
      return { end };
    default:
      return { end: "succeeded" };
  }
}
