import * as v from "valibot";

import { CliError, EXIT } from "./cli-error.ts";

/** Longer than the longest `wait`, so that the engine's own answer comes first. */
const PATIENCE_MS = 90_000;

const Problem = v.object({
  title: v.string(),
  detail: v.optional(v.string()),
  hint: v.optional(v.string()),
  errors: v.optional(
    v.array(v.object({ pointer: v.optional(v.string()), parameter: v.optional(v.string()), detail: v.string() })),
  ),
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

/** Where the engine listens: EKIDEN_URL, or the default of `bun run engine`. @throws CliError */
function engineUrl(environment: Readonly<Record<string, string | undefined>>): URL {
  const text = environment["EKIDEN_URL"] || "http://127.0.0.1:8080";
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return url;
  throw new CliError(EXIT.usage, `EKIDEN_URL is "${text}", which is no address like http://127.0.0.1:8080.`);
}

/** Calls the engine and returns the JSON that it answers. @throws CliError when it refuses or cannot be reached */
export async function call(method: "GET" | "POST", path: string, what: Call = {}): Promise<unknown> {
  const { status, answer } = await exchange(method, path, what);
  if (status >= 300) throw new CliError(EXIT.refused, problemText(status, answer), answer);
  return answer;
}

/** Calls the engine and returns what it says, refusals too. @throws CliError when it cannot be reached */
export async function exchange(
  method: "GET" | "POST",
  path: string,
  { query = {}, body, text, idempotencyKey, signal }: Call = {},
): Promise<Reply> {
  const url = new URL(path, engineUrl(process.env));
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
  const headers = new Headers({ accept: "application/json" });
  if (method === "POST") headers.set("content-type", "application/json");
  if (idempotencyKey !== undefined) headers.set("idempotency-key", idempotencyKey);
  const init = method === "POST" ? { method, headers, body: text ?? JSON.stringify(body ?? {}) } : { method, headers };
  return within(PATIENCE_MS, signal, (until) => send(url, { ...init, signal: until }));
}

/** What the engine sends, as it comes and for as long as that takes. @throws CliError when it refuses or cannot be reached */
export async function stream(path: string): Promise<ReadableStream<Uint8Array>> {
  const url = new URL(path, engineUrl(process.env));
  let response: Response;
  try {
    response = await fetch(url);
  } catch {
    throw noEngine(url);
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
  act: (until: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const abort = () => controller.abort();
  const timer = setTimeout(abort, ms);
  signal?.addEventListener("abort", abort, { once: true });
  if (signal?.aborted === true) abort();
  try {
    return await act(controller.signal);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

async function send(url: URL, init: RequestInit): Promise<Reply> {
  try {
    const response = await fetch(url, init);
    const retryAfter = response.headers.get("retry-after");
    const replayed = response.headers.get("idempotent-replayed") === "true";
    return { status: response.status, answer: json(response, await response.text()), retryAfter, replayed };
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw noEngine(url);
  }
}

function noEngine(url: URL): CliError {
  return new CliError(
    EXIT.unreachable,
    `No engine answers at ${url.origin}: start one with \`bun run engine\`, or set EKIDEN_URL.`,
  );
}

function json(response: Response, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A proxy with no engine behind it says so in a page of its own.
    throw new CliError(
      response.status >= 500 ? EXIT.unreachable : EXIT.refused,
      `${response.url} answered ${response.status} without JSON: is EKIDEN_URL the engine's address?`,
    );
  }
}

/** A refusal for a person: what is wrong, where, and how to mend it. */
export function problemText(status: number, answer: unknown): string {
  const parsed = v.safeParse(Problem, answer);
  if (!parsed.success) return `The engine answered ${status}: ${JSON.stringify(answer)}`;
  const { title, detail, hint, errors = [] } = parsed.output;
  const faults = errors.map(({ pointer, parameter, detail: fault }) => `  ${pointer ?? parameter ?? ""} ${fault}`);
  return [detail ?? title, ...faults, ...(hint === undefined ? [] : [`fix: ${hint}`])].join("\n");
}
