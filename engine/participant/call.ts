import type { ActionDescription, Problem } from "../core/domain.ts";
import type { Json } from "../core/json.ts";
import { plainJson } from "../core/plain-json.ts";
import { BODY_MAX, storedBytes } from "../core/size.ts";
import { noteCall } from "../hold-ups.ts";
import { FatalError, NotSentError, type Outcome, type StepContext } from "../sdk.ts";
import { TransactionMisuseError } from "../timeline/guarded-tx.ts";
import { afterLong } from "./long-timer.ts";

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
 * Runs a handler with a bound on its time (or until it is aborted) and parses what it returns. `name`: by which a person
 * finds it when it holds up the process.
 * @throws TimeOver, or whatever the handler throws.
 */
export async function callHandler(
  action: ActionDescription,
  limit: { readonly ms: number; readonly reason: "slow" | "timeout" },
  abort: AbortController,
  run: () => Promise<Outcome<unknown>>,
  name: string,
): Promise<CallResult> {
  const outcome: unknown = await within(limit, abort, run, name);
  if (!isOutcome(outcome)) return failed("step.output", "the handler returned neither succeeded(…) nor rejected(…)");
  if (outcome.type === "rejected") return rejectionOf(outcome);
  if (action.output === undefined) return { outcome: "succeeded", output: null };
  const parsed = action.output.parse(outcome.output === undefined ? null : outcome.output);
  if (!parsed.ok)
    return failed("step.output", `the result does not fit the output schema: ${sayFirst(parsed.problems)}`);
  return plain(parsed.value);
}

/** A schema lets through what a message cannot carry (`v.any()`, `v.date()`, `v.number()`), and it may be large. */
function plain(value: unknown): CallResult {
  const copy = plainJson(value);
  if (!("value" in copy)) return failed("step.output", `the result is no plain JSON: ${copy.path} ${copy.message}`);
  const bytes = storedBytes({ output: copy.value });
  if (bytes > BODY_MAX)
    return failed("step.output", `the result has ${bytes} bytes; a message holds at most ${BODY_MAX}`);
  return { outcome: "succeeded", output: copy.value };
}

/** Handlers may be plain JavaScript, or cast: what comes back is looked at before it is believed. */
function isOutcome(value: unknown): value is Outcome<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    "type" in value &&
    (value.type === "succeeded" || value.type === "rejected")
  );
}

/** A failure that no retry mends: the handler's code must change. */
function failed(code: string, message: string): Failed {
  return { outcome: "failed", code, message: text(message), retryable: false };
}

function sayFirst(problems: readonly Problem[]): string {
  const problem = problems[0];
  return `${problem?.path ?? ""} ${problem?.message ?? ""}`.trim();
}

async function within<T>(
  limit: { readonly ms: number; readonly reason: "slow" | "timeout" },
  abort: AbortController,
  run: () => Promise<T>,
  name: string,
): Promise<T> {
  let stop = () => {};
  const over = new Promise<never>((_resolve, reject) => {
    abort.signal.addEventListener("abort", () => reject(abort.signal.reason), { once: true });
    stop = afterLong(limit.ms, () => abort.abort(new TimeOver(limit.reason, limit.ms)));
  });
  // Aborted later than that, nobody waits for it.
  over.catch(() => {});
  // Also a handler that throws before its first await is a failed call.
  const ended = noteCall(name);
  const running = Promise.resolve().then(run);
  // The loser of the race may fail later; nobody would be left to hear of it.
  running.then(ended, ended);
  try {
    return await Promise.race([running, over]);
  } finally {
    stop();
  }
}

/** Most characters of a message or a stack trace that are kept. */
const TEXT_MAX = 8_192;
/** Most characters of a code that a handler made up. */
const CODE_MAX = 64;

/** What a handler says of its failure, in a form and size that the event store can keep whatever it was. */
function text(value: unknown): string {
  return asString(value).slice(0, TEXT_MAX).replaceAll("\u0000", "\uFFFD").toWellFormed();
}

/** What is thrown may be anything, also an object that cannot be made a text. */
function asString(value: unknown): string {
  try {
    return String(value);
  } catch {
    return "what was thrown cannot be shown";
  }
}

/** A property of what was thrown; a getter of it may throw once more. */
function read(thrown: unknown, name: "message" | "stack" | "code"): unknown {
  try {
    return (thrown as Record<string, unknown>)[name];
  } catch {
    return undefined;
  }
}

function rejectionOf(outcome: { readonly code: unknown; readonly message: unknown }): CallResult {
  const { code, message } = outcome;
  if (typeof code === "string" && /^[a-z][a-z0-9_.-]{0,63}$/.test(code))
    return { outcome: "rejected", code, message: text(message ?? "") };
  return failed("step.code", `rejected("${text(code).slice(0, 100)}"): a code is lower case, [a-z][a-z0-9_]*`);
}

/** A thrown error as a failure. Never throws, whatever was thrown. */
export function failureOf(error: unknown): Failed {
  const isError = error instanceof Error;
  const message = text(isError ? read(error, "message") : error);
  const trace = isError ? read(error, "stack") : undefined;
  const stack = trace === undefined ? {} : { stack: text(trace) };
  const failed = (code: string, retryable: boolean) => ({
    outcome: "failed" as const,
    code,
    message,
    retryable,
    ...stack,
  });
  if (error instanceof TimeOver) return failed("timeout", true);
  if (error instanceof FatalError) return failed(text(read(error, "code")).slice(0, CODE_MAX) || "fatal", false);
  if (error instanceof TransactionMisuseError) return failed(error.code, false);
  if (error instanceof NotSentError) return failed("not_sent", true);
  if (isError && error.name === "PostgresError" && "code" in error) return failed(`sql_${String(error.code)}`, true);
  return failed("exception", true);
}

/** Parses a command's input by its handler's schema. */
export function parseInput(action: ActionDescription, input: Json): { readonly input: Json } | Failed {
  const parsed = action.input.parse(input);
  if (parsed.ok) return { input: parsed.value };
  return failed("step.input", `the input does not fit: ${sayFirst(parsed.problems)}`);
}

/** Parameters of a {@link StepContext} that do not come from the message. */
export type ContextParts = Pick<StepContext, "now" | "signal" | "log">;
