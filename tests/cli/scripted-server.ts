import { newId } from "../../engine/timeline/ids.ts";

/** A request that came. */
export interface Came {
  readonly key: string | null;
  readonly body: { readonly n?: number };
}

/** An HTTP server on loopback that answers as it is told: busy, refusing, away, as no engine would on request. */
export class ScriptedServer {
  readonly came: Came[] = [];
  /** Undefined: started, or known when the key came before. */
  answer: (came: Came, times: number) => Response | undefined | Promise<Response | undefined> = () => undefined;
  readonly #known = new Map<string, string>();
  readonly #server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: (request) => this.#fetch(request) });

  get url(): string {
    return this.#server.url.origin;
  }

  stop(): Promise<void> {
    return this.#server.stop(true);
  }

  async #fetch(request: Request): Promise<Response> {
    const key = request.headers.get("idempotency-key");
    const came = { key, body: (await request.json()) as Came["body"] };
    this.came.push(came);
    const times = this.came.filter((it) => it.key === key).length;
    return (await this.answer(came, times)) ?? this.#start(key ?? "");
  }

  #start(key: string): Response {
    const known = this.#known.get(key);
    const sagaId = known ?? newId();
    this.#known.set(key, sagaId);
    return Response.json(view(sagaId), { status: known === undefined ? 201 : 200 });
  }
}

/** A problem as the engine writes it. */
export function problem(status: number, code: string, headers: Record<string, string> = {}): Response {
  const body = {
    type: `urn:ekiden:problem:${code}`,
    title: code,
    status,
    detail: `about ${code}`,
    code,
    hint: "mend it",
  };
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/problem+json", ...headers },
  });
}

/** A saga that runs, as the engine shows it. */
export function view(sagaId: string) {
  const at = "2026-01-31T12:00:00.000Z";
  const nothing = { parent: null, key: null, labels: {}, input: {}, output: null, error: null, finishedAt: null };
  const times = { startedAt: at, updatedAt: at };
  const lists = { uncompensated: [], steps: [], waitingFor: null, waiting: null, timers: [] };
  return { sagaId, definition: "d", version: 1, revision: "r", status: "running", ...nothing, ...lists, ...times };
}
