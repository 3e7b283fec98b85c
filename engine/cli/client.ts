import * as v from "valibot";

import { oneLine } from "../telemetry/printable.ts";
import { CliError, EXIT } from "./cli-error.ts";
import { hintText } from "./hint-text.ts";
import { engineHeaders, engineUrl, lateAnswer, noAnswer, unauthorized } from "./engine-address.ts";

/** Longer than the longest `wait`, so that the engine's own answer comes first. */
const PATIENCE_MS = 90_000;

/** As much is shown of an answer that is none of an engine's. */
const ANSWER_MAX = 300;

const Fault = v.object({
  pointer: v.optional(v.string()),
  parameter: v.optional(v.string()),
  detail: v.string(),
});

const Problem = v.object({
  title: v.string(),
  detail: v.optional(v.string()),
  hint: v.optional(v.string()),
  errors: v.optional(v.array(Fault)),
});

type Query = Readonly<Record<string, string | undefined>>;

/** One call of the API. */
export interface Call {
  readonly query?: Query;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** JSON text that is sent as it stands, in place of `body`: read and written again, large numbers would change. */
  readonly text?: string;
  readonly idempotencyKey?: string | undefined;
  /** How long an answer may take, milliseconds; 90,000. */
  readonly patienceMs?: number;
  /** Gives the call up. */
  readonly signal?: AbortSignal;
}

/** What the engine said to a call; a refusal too. */
export interface Reply {
  readonly status: number;
  readonly answer: unknown;
  /** The header of this name. */
  readonly retryAfter: string | null;
  /** An earlier call under the same Idempotency-Key had done it. */
  readonly replayed: boolean;
}

/** Calls the engine and returns the JSON that it answers. @throws CliError when it refuses or cannot be reached */
export async function call(method: "GET" | "POST", path: string, what: Call = {}): Promise<unknown> {
  return (await demand(method, path, what)).answer;
}

/** As `call`, with what the engine says besides. @throws CliError when it refuses or cannot be reached */
export async function demand(method: "GET" | "POST", path: string, what: Call = {}): Promise<Reply> {
  const reply = await exchange(method, path, what);
  if (reply.status >= 300) throw new CliError(EXIT.refused, problemText(reply.status, reply.answer), reply.answer);
  return reply;
}

/** Calls the engine and returns what it says, refusals too. @throws CliError when it cannot be reached */
export async function exchange(
  method: "GET" | "POST",
  path: string,
  { query = {}, body, text, idempotencyKey, patienceMs = PATIENCE_MS, signal }: Call = {},
): Promise<Reply> {
  const url = engineUrl(path, query);
  const headers = engineHeaders("application/json");
  if (method === "POST") headers.set("content-type", "application/json");
  if (idempotencyKey !== undefined) headers.set("idempotency-key", idempotencyKey);
  const init = method === "POST" ? { method, headers, body: text ?? JSON.stringify(body ?? {}) } : { method, headers };
  const late = () => lateAnswer(url, patienceMs);
  return within(patienceMs, signal, late, (until) => send(url, { ...init, signal: until }));
}

/** What the engine sends, as it comes and for as long as that takes. @throws CliError when it refuses or cannot be reached */
export async function stream(path: string): Promise<ReadableStream<Uint8Array>> {
  const url = engineUrl(path, {});
  let response: Response;
  try {
    response = await fetch(url, { headers: engineHeaders("application/x-ndjson") });
  } catch (error) {
    throw noAnswer(url, error);
  }
  if (response.ok && response.body !== null) return response.body;
  const answer = json(response, await response.text());
  throw new CliError(EXIT.refused, problemText(response.status, answer), answer);
}

/**
 * Runs a call that is given up after a time, or with `signal`. What it takes for that ends with the call: with
 * AbortSignal.any and .timeout each of 200,000 calls left 0.8 KB behind.
 */
async function within<T>(
  ms: number,
  signal: AbortSignal | undefined,
  late: () => CliError,
  act: (until: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const abort = () => controller.abort();
  let over = false;
  const timer = setTimeout(() => {
    over = true;
    abort();
  }, ms);
  signal?.addEventListener("abort", abort, { once: true });
  if (signal?.aborted === true) abort();
  try {
    return await act(controller.signal);
  } catch (error) {
    throw over ? late() : error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

async function send(url: URL, init: RequestInit): Promise<Reply> {
  try {
    // Its own limit of five minutes is another than ours.
    const response = await fetch(url, { ...init, timeout: false } as RequestInit);
    const retryAfter = response.headers.get("retry-after");
    const replayed = response.headers.get("idempotent-replayed") === "true";
    return { status: response.status, answer: json(response, await response.text()), retryAfter, replayed };
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw noAnswer(url, error);
  }
}

function json(response: Response, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw foreign(response);
  }
}

/** A proxy with no engine behind it says so in a page of its own. */
function foreign({ status, url }: Response): CliError {
  if (status === 401) return new CliError(EXIT.refused, unauthorized());
  const text = `${url} answered ${status} without JSON: is EKIDEN_URL the engine's address?`;
  return new CliError(status >= 500 ? EXIT.unreachable : EXIT.refused, text);
}

/**
 * Opens a stream of Server-Sent Events; the caller reads its body and ends it with `signal`. Null: it is over for good.
 * @throws CliError when it is refused or cannot be reached
 */
export async function openStream(
  path: string,
  query: Query,
  lastPosition: string | undefined,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array> | null> {
  const url = engineUrl(path, query);
  const headers = engineHeaders("text/event-stream, application/json");
  if (lastPosition !== undefined) headers.set("last-event-id", lastPosition);
  const response = await fetch(url, { headers, signal }).catch((error) => {
    throw noAnswer(url, error);
  });
  if (response.status === 204) return null;
  if (response.status === 200 && /^text\/event-stream/.test(response.headers.get("content-type") ?? ""))
    return response.body;
  const answer = json(response, await response.text());
  throw new StreamRefused(response.status, answer);
}

/** The engine opens no stream now. */
export class StreamRefused extends CliError {
  constructor(
    readonly status: number,
    answer: unknown,
  ) {
    super(EXIT.refused, problemText(status, answer), answer);
  }
}

/** A refusal for a person: what is wrong, where, and how to mend it. */
export function problemText(status: number, answer: unknown): string {
  const parsed = v.safeParse(Problem, answer);
  if (status === 401)
    return [unauthorized(), ...(parsed.success ? [parsed.output.detail ?? parsed.output.title] : [])].join("\n");
  if (!parsed.success) {
    const said = JSON.stringify(answer).slice(0, ANSWER_MAX);
    return `The answer ${status} is none of an engine's: ${said}\nIs EKIDEN_URL the engine's address?`;
  }
  const { title, detail, hint, errors = [] } = parsed.output;
  const said = detail ?? title;
  const faults = errors.filter((fault) => !isTold(fault, said)).map((fault) => `  ${placeOf(fault)} ${fault.detail}`);
  return [said, ...faults, ...(hint === undefined ? [] : [`fix: ${hintText(hint)}`])].map(oneLine).join("\n");
}

/** The sentence of a refused query or body names every place in it; that of an input names none. */
function isTold(fault: v.InferOutput<typeof Fault>, sentence: string): boolean {
  const place = placeOf(fault);
  const told = place === "" ? [fault.detail] : [`${place} ${fault.detail}`, `${place}: ${fault.detail}`];
  return told.some((text) => sentence.includes(text));
}

function placeOf({ pointer, parameter }: v.InferOutput<typeof Fault>): string {
  return pointer ?? parameter ?? "";
}
