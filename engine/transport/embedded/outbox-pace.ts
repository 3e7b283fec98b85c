/** How often the outbox is looked at for rows of other writers, milliseconds. */
const POLL_MS = 50;
/** The same once nothing has happened for a while. Own rows come by hand and wake the transport at once. */
const IDLE_POLL_MS = 250;
const IDLE_AFTER_MS = 2_000;
/** The same while whoever writes a row tells: on an idle engine these looks are most of what it costs. */
const REST_POLL_MS = 1_000;
/** A row that was told of lies behind the horizon while an older transaction is open. It is looked for so long as if nobody told. */
const TOLD_MS = 10_000;
/** A pause that ended a little early ends in a look all the same. */
const SLACK_MS = 20;

/** How often an owner of the embedded transport looks at the outbox for rows that it was not handed. */
export class OutboxPace {
  readonly #restPollMs: number;
  /** When a row last came, by hand or from the outbox. */
  #activeAt = Number.NEGATIVE_INFINITY;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #toldAt = Number.NEGATIVE_INFINITY;
  /** Writers told of their rows when the outbox was last looked at. */
  #rested = false;

  constructor(restPollMs = REST_POLL_MS) {
    this.#restPollMs = restPollMs;
  }

  /** About how long until the next look, milliseconds. */
  get pollMs(): number {
    if (performance.now() - this.#activeAt < IDLE_AFTER_MS) return POLL_MS;
    return this.#rested && !this.#isTold ? this.#restPollMs : IDLE_POLL_MS;
  }

  /** Writers may tell. While a row that was told of lies behind the horizon, those behind it need not: they come with it. */
  get idle(): boolean {
    return this.pollMs > POLL_MS && !this.#isTold;
  }

  get #isTold(): boolean {
    return performance.now() - this.#toldAt <= TOLD_MS;
  }

  /** Whether it is time for a look. A pause that ended sooner than asked, at a common pulse, ends in one. */
  get due(): boolean {
    return performance.now() - this.#lookedAt >= Math.min(this.pollMs, IDLE_POLL_MS) - SLACK_MS;
  }

  /** The process owns the transport from now on: what others wrote before is looked for at once. */
  begin(): void {
    this.#rested = false;
    this.active();
    this.lookOn();
  }

  /** A row came. */
  active(): void {
    this.#activeAt = performance.now();
  }

  /** Somebody has committed a row. */
  told(): void {
    this.#toldAt = performance.now();
    this.lookOn();
  }

  /** The next look is due at once. */
  lookOn(): void {
    this.#lookedAt = Number.NEGATIVE_INFINITY;
  }

  looking(): void {
    this.#lookedAt = performance.now();
  }

  /** A look has ended. `resting`: writers told of their rows when it began; what one committed before, it has found. */
  looked(resting: boolean): void {
    this.#rested = resting;
  }

  /** A look has found rows. A heartbeat alone must not keep an idle engine awake. */
  found(onlyBeats: boolean): void {
    this.#toldAt = Number.NEGATIVE_INFINITY;
    if (!onlyBeats) this.active();
  }
}
