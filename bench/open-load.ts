/** Calls in progress at once; a machine that is short of breath is not asked for more. */
const IN_FLIGHT_MAX = 400;
const TICK_MS = 20;

/** What a load has done since it was reset. */
export interface Counts {
  started: number;
  /** Answered 503: too many wait. */
  refused: number;
  failed: number;
  /** Never sent: so many calls had no answer yet that the load gave up its rate. */
  dropped: number;
}

/** An open load: starts so many sagas a second, whether the engine keeps up or not. */
export class OpenLoad {
  readonly #url: string;
  #counts: Counts = { started: 0, refused: 0, failed: 0, dropped: 0 };
  #inFlight = 0;
  #latencies: number[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  get counts(): Readonly<Counts> {
    return this.#counts;
  }

  reset(): void {
    this.#counts = { started: 0, refused: 0, failed: 0, dropped: 0 };
    this.#latencies = [];
  }

  /** Times of starts since the last look, milliseconds, sorted. */
  takeLatencies(): readonly number[] {
    const taken = this.#latencies.sort((left, right) => left - right);
    this.#latencies = [];
    return taken;
  }

  run(rate: number): void {
    const began = performance.now();
    let sent = 0;
    this.#timer = setInterval(() => {
      const due = Math.floor(((performance.now() - began) / 1_000) * rate);
      for (; sent < due; sent += 1) {
        if (this.#inFlight < IN_FLIGHT_MAX) void this.#start();
        else this.#counts.dropped += 1;
      }
    }, TICK_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    while (this.#inFlight > 0) await Bun.sleep(TICK_MS);
  }

  async #start(): Promise<void> {
    this.#inFlight += 1;
    const at = performance.now();
    try {
      const response = await fetch(`${this.#url}/v1/sagas/three`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        // One in ten is refused by its last step: compensations are part of the load.
        body: JSON.stringify({ applicant: "Taro Yamada", amount: Math.random() < 0.1 ? 1_000_001 : 1_000 }),
        signal: AbortSignal.timeout(30_000),
      });
      await response.arrayBuffer();
      if (response.status === 201) this.#counts.started += 1;
      else if (response.status === 503) this.#counts.refused += 1;
      else this.#counts.failed += 1;
      this.#latencies.push(performance.now() - at);
    } catch {
      this.#counts.failed += 1;
    } finally {
      this.#inFlight -= 1;
    }
  }
}
