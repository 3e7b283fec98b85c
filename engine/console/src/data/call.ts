import { apiKey, refusal } from "./session.ts";
import type { ProblemDetails } from "./shapes.ts";

/** What the API answers when something is wrong: a code, words, and what to do. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string | undefined;
  readonly faults: readonly { readonly place: string; readonly detail: string }[];

  constructor(status: number, details: Partial<ProblemDetails>) {
    super(details.detail ?? details.title ?? `HTTP ${status}`);
    this.status = status;
    this.code = details.code ?? "console.unreadable-answer";
    this.hint = details.hint;
    this.faults = (details.errors ?? []).map((fault) => ({
      place: fault.pointer ?? fault.parameter ?? "",
      detail: fault.detail,
    }));
  }
}

/** One call of the API. */
export interface Call {
  readonly method?: "GET" | "POST";
  readonly body?: unknown;
  /** Of a body that is a text; else it is JSON. */
  readonly media?: string;
  readonly signal?: AbortSignal;
  /** Of a POST: the same key is never carried out twice. */
  readonly idempotencyKey?: string;
}

/** Headers that say who calls. */
export function credentials(): Record<string, string> {
  return apiKey.value === undefined ? {} : { authorization: `Bearer ${apiKey.value}` };
}

/** Calls the API. @throws Problem */
export async function call<T>(path: string, options: Call = {}): Promise<T> {
  return JSON.parse(await callText(path, options)) as T;
}

/** The same; its answer as a text. @throws Problem */
export async function callText(path: string, options: Call = {}): Promise<string> {
  const { method = "GET", body, media = "application/json", signal, idempotencyKey } = options;
  const shown = apiKey.value;
  const headers = {
    ...credentials(),
    ...(body === undefined ? {} : { "content-type": media }),
    ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
  };
  const init = {
    method,
    headers,
    ...(body === undefined ? {} : { body: media === "application/json" ? JSON.stringify(body) : String(body) }),
  };
  const response = await fetch(path, { ...init, ...(signal === undefined ? {} : { signal }) }).catch(
    (error: unknown) => {
      if (signal?.aborted === true) throw error;
      throw new Problem(0, { code: "console.unreachable", detail: "The engine does not answer." });
    },
  );
  if (response.ok) return response.text();
  throw await problemOf(response, shown);
}

/**
 * What a refused answer says. Who is not known has to sign in; `shown`: the key that the call was made with. Somebody may
 * have signed in with another one meanwhile, of which a late refusal says nothing.
 */
export async function problemOf(response: Response, shown: string | undefined): Promise<Problem> {
  const details = (await response.json().catch(() => ({}))) as Partial<ProblemDetails>;
  const problem = new Problem(response.status, details);
  if (response.status === 401 && shown === apiKey.value) refusal.set(shown === undefined ? "" : problem.message);
  return problem;
}

/** A key for a call that must not be carried out twice. `crypto.randomUUID` is there on secure pages only. */
export function newIdempotencyKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
