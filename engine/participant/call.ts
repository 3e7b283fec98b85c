import type { ActionDescription } from "../core/domain.ts";
import type { Json } from "../core/json.ts";
import { FatalError, NotSentError, type Outcome, type StepContext } from "../sdk.ts";

/** How a handler's call ended, in the words of `timeline.answer`. */
export type CallResult =
  | { readonly outcome: "succeeded"; readonly output: Json }
  | { readonly outcome: "rejected"; readonly code: string; readonly message: string }
  | Failed;

/** An attempt that failed. `unknown`: an external call that may have taken effect. */
export interface Failed {
  readonly outcome: "failed" | "unknown";
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly stack?: string;
}

/** Thrown into a call whose time is over. `slow`: it holds up a batch; `timeout`: the step's own limit. */
export class TimeOver extends Error {
  readonly reason: "slow" | "timeout";

  constructor(reason: "slow" | "timeout", ms: number) {
    super(reason === "timeout" ? `the handler took longer than ${ms} ms` : `the handler held its batch for ${ms} ms`);
    this.reason = reason;
  }
}

/**
 * Runs a handler with a bound on its time and parses what it returns.
 * @throws TimeOver, or whatever the handler throws.
 */
export async function callHandler(
  action: ActionDescription,
  limit: { readonly ms: number; readonly reason: "slow" | "timeout" },
  abort: AbortController,
  run: () => Promise<Outcome<unknown>>,
): Promise<CallResult> {
  const outcome = await within(limit, abort, run);
  if (outcome.type === "rejected") return rejectionOf(outcome);
  const value = outcome.output === undefined ? null : outcome.output;
  if (action.output === undefined) return { outcome: "succeeded", output: null };
  const parsed = action.output.parse(value);
  if (parsed.ok) return { outcome: "succeeded", output: parsed.value };
  const problem = parsed.problems[0];
  const message = `the result does not fit the output schema: ${problem?.path ?? ""} ${problem?.message ?? ""}`.trim();
  return { outcome: "failed", code: "step.output", message, retryable: false };
}

async function within<T>(
  limit: { readonly ms: number; readonly reason: "slow" | "timeout" },
  abort: AbortController,
  run: () => Promise<T>,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const error = new TimeOver(limit.reason, limit.ms);
      abort.abort(error);
      reject(error);
    }, limit.ms);
  });
  // Also a handler that throws before its first await is a failed call.
  const running = Promise.resolve().then(run);
  // The loser of the race may fail later; nobody would be left to hear of it.
  running.catch(() => {});
  try {
    return await Promise.race([running, over]);
  } finally {
    clearTimeout(timer);
  }
}

/** Most characters of a message or a stack trace that are kept. */
const TEXT_MAX = 8_192;

/** What a handler says of its failure, in a form and size that the event store can keep whatever it was. */
function text(value: unknown): string {
  return String(value).slice(0, TEXT_MAX).replaceAll("\u0000", "\uFFFD").toWellFormed();
}

function rejectionOf(outcome: { readonly code: string; readonly message: string }): CallResult {
  if (/^[a-z][a-z0-9_.-]{0,63}$/.test(outcome.code))
    return { outcome: "rejected", code: outcome.code, message: text(outcome.message) };
  const message = `rejected("${text(outcome.code)}"): a code is lower case, [a-z][a-z0-9_]*`;
  return { outcome: "failed", code: "step.code", message, retryable: false };
}

/** A thrown error as a failure. */
export function failureOf(error: unknown): Failed {
  const message = text(error instanceof Error ? error.message : error);
  const stack = error instanceof Error && error.stack !== undefined ? { stack: text(error.stack) } : {};
  const failed = (code: string, retryable: boolean) => ({
    outcome: "failed" as const,
    code,
    message,
    retryable,
    ...stack,
  });
  if (error instanceof TimeOver) return failed("timeout", true);
  if (error instanceof FatalError) return failed(text(error.code), false);
  if (error instanceof NotSentError) return failed("not_sent", true);
  if (error instanceof Error && error.name === "PostgresError" && "code" in error)
    return failed(`sql_${String(error.code)}`, true);
  return failed("exception", true);
}

/** Parses a command's input by its handler's schema. */
export function parseInput(action: ActionDescription, input: Json): { readonly input: Json } | Failed {
  const parsed = action.input.parse(input);
  if (parsed.ok) return { input: parsed.value };
  const problem = parsed.problems[0];
  const message = `the input does not fit: ${problem?.path ?? ""} ${problem?.message ?? ""}`.trim();
  return { outcome: "failed", code: "step.input", message, retryable: false };
}

/** Parameters of a {@link StepContext} that do not come from the message. */
export type ContextParts = Pick<StepContext, "now" | "signal" | "log">;
