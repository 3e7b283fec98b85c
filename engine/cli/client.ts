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
  readonly idempotencyKey?: string | undefined;
}

/** Where the engine listens: EKIDEN_URL, or the default of `bun run engine`. @throws CliError */
function engineUrl(environment: Readonly<Record<string, string | undefined>>): URL {
  const text = environment["EKIDEN_URL"] || "http://127.0.0.1:8080";
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return url;
  throw new CliError(EXIT.usage, `EKIDEN_URL is "${text}", which is no address like http://127.0.0.1:8080.`);
}

/** Calls the engine and returns the JSON that it answers. @throws CliError when it refuses or cannot be reached */
export async function call(
  method: "GET" | "POST",
  path: string,
  { query = {}, body, idempotencyKey }: Call = {},
): Promise<unknown> {
  const url = new URL(path, engineUrl(process.env));
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
  const headers = new Headers({ accept: "application/json" });
  if (method === "POST") headers.set("content-type", "application/json");
  if (idempotencyKey !== undefined) headers.set("idempotency-key", idempotencyKey);
  const init = method === "POST" ? { method, headers, body: JSON.stringify(body ?? {}) } : { method, headers };
  const response = await send(url, init);
  const answer = await json(response);
  if (!response.ok) throw new CliError(EXIT.refused, problemText(response.status, answer), answer);
  return answer;
}

async function send(url: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch {
    throw new CliError(
      EXIT.unreachable,
      `No engine answers at ${url.origin}: start one with \`bun run engine\`, or set EKIDEN_URL.`,
    );
  }
}

async function json(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    throw new CliError(
      EXIT.refused,
      `${response.url} answered ${response.status} without JSON: is EKIDEN_URL the engine's address?`,
    );
  }
}

function problemText(status: number, answer: unknown): string {
  const parsed = v.safeParse(Problem, answer);
  if (!parsed.success) return `The engine answered ${status}: ${JSON.stringify(answer)}`;
  const { title, detail, hint, errors = [] } = parsed.output;
  const faults = errors.map(({ pointer, parameter, detail: fault }) => `  ${pointer ?? parameter ?? ""} ${fault}`);
  return [detail ?? title, ...faults, ...(hint === undefined ? [] : [`fix: ${hint}`])].join("\n");
}
