/** A saga as the API shows it; only what tests read. */
export interface SagaJson {
  readonly sagaId: string;
  readonly status: string;
  readonly output: unknown;
  readonly error: { readonly code: string; readonly message: string; readonly step: string } | null;
  readonly uncompensated: readonly { readonly step: string; readonly reason: string }[];
  readonly steps: readonly {
    readonly path: string;
    readonly status: string;
    readonly attempts: number;
    readonly error?: { readonly code: string; readonly message: string };
  }[];
  readonly waitingFor: readonly { readonly signal: string; readonly path: string }[] | null;
  readonly waiting: { readonly kind: string; readonly since: string } | null;
  readonly updatedAt: string;
}

/** Calls of the public API, as a client makes them. */
export class Client {
  readonly #url: () => string;

  constructor(url: () => string) {
    this.#url = url;
  }

  async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; json: never }> {
    const response = await fetch(`${this.#url()}${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, json: (text === "" ? null : JSON.parse(text)) as never };
  }

  /** Starts a saga and returns it as it stands then. */
  async start(definition: string, input: unknown, query = ""): Promise<SagaJson> {
    const { status, json } = await this.call("POST", `/v1/sagas/${definition}${query}`, input);
    if (status !== 201) throw new Error(`start answered ${status}: ${JSON.stringify(json)}`);
    return json;
  }

  async saga(sagaId: string): Promise<SagaJson> {
    return (await this.call("GET", `/v1/sagas/${sagaId}`)).json;
  }

  /** The saga once it is final or parked, or after 30 s as it stands. */
  async settled(sagaId: string): Promise<SagaJson> {
    return (await this.call("GET", `/v1/sagas/${sagaId}?wait=30s`)).json;
  }

  async ok(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<never> {
    const { status, json } = await this.call(method, path, body, headers);
    if (status >= 300) throw new Error(`${method} ${path} answered ${status}: ${JSON.stringify(json)}`);
    return json;
  }
}
