import { OPERATIONS, type Operations, type Schemas } from "./operations.ts";

export type { Operations, Schemas } from "./operations.ts";

/** A fault as the API tells it. `code` is stable, and docs/OPERATIONS.md has an entry for it. */
export class EkidenError extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string | undefined;
  /** Seconds after which the call may be sent again. */
  readonly retryAfterSeconds: number | undefined;
  readonly problem: Partial<Schemas["ProblemDetails"]>;

  constructor(status: number, problem: Partial<Schemas["ProblemDetails"]>, retryAfter: string | null) {
    super(problem.detail ?? `the engine answered ${status}`);
    this.name = "EkidenError";
    this.status = status;
    this.code = problem.code ?? "unknown";
    this.hint = problem.hint;
    this.retryAfterSeconds = retryAfter === null || !/^\d+$/.test(retryAfter) ? undefined : Number(retryAfter);
    this.problem = problem;
  }
}

/** Where the engine is, and who calls. */
export interface ClientOptions {
  /** http://127.0.0.1:8080 by default. */
  readonly url?: string;
  /** Key of `ekiden keys create`, or a JSON Web Token. */
  readonly key?: string;
}

/** What belongs to the sending of a call, and not to the call. */
export interface SendOptions {
  readonly signal?: AbortSignal;
  /** Of a POST: sent again with the same key and body it has the same answer and no second effect. */
  readonly idempotencyKey?: string;
}

type Name = keyof Operations;
type Request<N extends Name> = Omit<Operations[N], "answer">;
/** Calls that need nothing may leave their request out. */
type Arguments<N extends Name> =
  Record<never, never> extends Request<N>
    ? [request?: Request<N>, send?: SendOptions]
    : [request: Request<N>, send?: SendOptions];
type ItemOf<N extends Name> = Operations[N]["answer"] extends { readonly items: readonly (infer Item)[] }
  ? Item
  : never;
/** Calls that answer pages. */
type ListName = {
  [N in Name]: Operations[N]["answer"] extends { readonly nextCursor: string | null } ? N : never;
}[Name];

/** The parts that a request may have, whichever call it is of. */
interface AnyRequest {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
}

/**
 * What a stream brings. `id`: its position, from which another stream goes on. Besides events it says of itself that it is `ready`,
 * that it has lost its place (`reset`) or its reader has (`behind`), and that it has come to its `end`.
 */
export type Streamed = { readonly id: string | undefined } & (
  | { readonly event: "message"; readonly data: Schemas["StreamEvent"] }
  | { readonly event: "ready" | "reset" | "behind" | "end"; readonly data: unknown }
);

/** The HTTP API of an engine, with the types of its OpenAPI document. Needs nothing but `fetch`. */
export class EkidenClient {
  readonly #url: string;
  readonly #key: string | undefined;

  constructor({ url = "http://127.0.0.1:8080", key }: ClientOptions = {}) {
    this.#url = url.replace(/\/$/, "");
    this.#key = key;
  }

  /** Makes a call by its operation id. @throws EkidenError */
  async call<N extends Name>(name: N, ...[request, send]: Arguments<N>): Promise<Operations[N]["answer"]> {
    const response = await this.#send(name, (request ?? {}) as AnyRequest, send);
    const text = await response.text();
    if (text === "") return null as unknown as Operations[N]["answer"];
    const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
    return (isJson ? JSON.parse(text) : text) as Operations[N]["answer"];
  }

  /** All items of a list, page after page. @throws EkidenError */
  async *items<N extends ListName>(name: N, ...[request, send]: Arguments<N>): AsyncGenerator<ItemOf<N>> {
    const asked = (request ?? {}) as AnyRequest;
    let cursor: string | null = null;
    do {
      const query: Readonly<Record<string, unknown>> = { ...asked.query, ...(cursor !== null && { cursor }) };
      const response = await this.#send(name, { ...asked, query }, send);
      const page = (await response.json()) as {
        readonly items: readonly ItemOf<N>[];
        readonly nextCursor: string | null;
      };
      yield* page.items;
      cursor = page.nextCursor;
    } while (cursor !== null);
  }

  /**
   * What happens, as it happens: of one saga until its end, or of all. `after`: the id of the last event that was read. Ends with
   * the connection; whoever wants more opens another one behind the last id. @throws EkidenError
   */
  async *events(
    sagaId: string | null,
    { after, signal }: { after?: string; signal?: AbortSignal } = {},
  ): AsyncGenerator<Streamed> {
    const response = await (sagaId === null
      ? this.#send("streamAll", {}, signal && { signal }, after)
      : this.#send("streamSaga", { path: { id: sagaId } }, signal && { signal }, after));
    if (response.body !== null) yield* eventsIn(response.body);
  }

  async #send(name: Name, { path = {}, query = {}, body }: AnyRequest, send: SendOptions = {}, after?: string) {
    const [method, template, media] = OPERATIONS[name];
    const place = template.replaceAll(/\{(\w+)\}/g, (_, part: string) => encodeURIComponent(path[part] ?? ""));
    const headers = new Headers();
    if (this.#key !== undefined) headers.set("authorization", `Bearer ${this.#key}`);
    if (send.idempotencyKey !== undefined) headers.set("idempotency-key", send.idempotencyKey);
    if (after !== undefined) headers.set("last-event-id", after);
    if (media !== null && body !== undefined) headers.set("content-type", media);
    const response = await fetch(`${this.#url}${place}${queryText(query)}`, {
      method,
      headers,
      ...(media !== null &&
        body !== undefined && { body: media === "application/json" ? JSON.stringify(body) : String(body) }),
      ...(send.signal !== undefined && { signal: send.signal }),
    });
    // Not ready is an answer of this call, and no fault.
    if (response.ok || name === "getReadiness") return response;
    const problem = (await response.json().catch(() => ({}))) as Partial<Schemas["ProblemDetails"]>;
    throw new EkidenError(response.status, problem, response.headers.get("retry-after"));
  }
}

/** `label: {purpose: "car"}` is sent as `label.purpose=car`. */
function queryText(query: Readonly<Record<string, unknown>>): string {
  const pairs = Object.entries(query).flatMap(([name, value]): [string, string][] => {
    if (value === undefined) return [];
    if (typeof value !== "object" || value === null) return [[name, String(value)]];
    return Object.entries(value).map(([key, inner]) => [`${name}.${key}`, String(inner)]);
  });
  return pairs.length === 0 ? "" : `?${new URLSearchParams(pairs)}`;
}

/** Server-Sent Events that carry data. */
async function* eventsIn(body: ReadableStream<Uint8Array>): AsyncGenerator<Streamed> {
  const decoder = new TextDecoder();
  let rest = "";
  let id: string | undefined;
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    const blocks = rest.split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const fields = new Map(block.split("\n").map((line) => line.split(/: ?(.*)/s).slice(0, 2) as [string, string]));
      id = fields.get("id") ?? id;
      const data = fields.get("data");
      if (data !== undefined)
        yield { id, event: fields.get("event") ?? "message", data: JSON.parse(data) as unknown } as Streamed;
    }
  }
}
