/** What a request to the outside asked for. */
export interface OutsideRequest {
  readonly method: string;
  readonly note: string;
  readonly key: string;
}

/**
 * A service outside of the engine, as careful ones are: it knows what it was asked by the idempotency key, does it once
 * however often it is asked, and a void is for ever.
 */
export class OutsideServer {
  readonly requests: OutsideRequest[] = [];
  /** What was done, by key. */
  readonly done = new Map<string, number>();
  readonly voided = new Set<string>();
  /** Requests in progress now, and the most there were. */
  open = 0;
  mostOpen = 0;
  /** Called for each request before it is answered: it may wait, look around, or answer itself. */
  before: (request: OutsideRequest) => Promise<Response | undefined> = async () => undefined;
  readonly #server: Bun.Server<undefined>;

  constructor(port = 0) {
    this.#server = Bun.serve({
      hostname: "127.0.0.1",
      port,
      idleTimeout: 120,
      fetch: (request) => this.#answer(request),
    });
  }

  get url(): string {
    return this.#server.url.href;
  }

  get port(): number {
    return this.#server.port as number;
  }

  async close(): Promise<void> {
    await this.#server.stop(true);
  }

  async #answer(request: Request): Promise<Response> {
    const key = request.headers.get("idempotency-key") ?? "";
    const text = await request.text();
    const note = request.method === "POST" ? (JSON.parse(text) as { note: string }).note : text;
    const asked = { method: request.method, note, key };
    this.requests.push(asked);
    if (request.method === "DELETE") this.voided.add(key.replace(/#compensate$/, ""));
    else if (!this.done.has(key)) this.done.set(key, this.done.size + 1);
    this.open += 1;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    try {
      return (await this.before(asked)) ?? Response.json({ serial: this.done.get(key) });
    } finally {
      this.open -= 1;
    }
  }
}
