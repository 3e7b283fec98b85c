import type { Tally } from "./tally.ts";

const REDRAW_MS = 100;
const LINE_EVERY_MS = 5_000;
const BAR_WIDTH = 24;
const CLEAR = "\r\u001b[K";

/** How far a run is. */
export interface Advance {
  readonly counts: string;
  readonly lines: number;
  readonly elapsedMs: number;
  /** 0 to 1; undefined when the input's end is not known. */
  readonly share: number | undefined;
}

/**
 * Says on standard error how far a run is: a bar that is drawn again on a terminal, elsewhere a line now and then.
 * Standard output is left to results.
 */
export class Progress {
  readonly #tty = process.stderr.isTTY === true;
  readonly #began = performance.now();
  readonly #tally: Tally;
  readonly #did: "started" | "signalled";
  readonly #total: number | undefined;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(tally: Tally, did: "started" | "signalled", total: number | undefined) {
    this.#tally = tally;
    this.#did = did;
    this.#total = total;
    this.#timer = setInterval(() => this.#draw(), this.#tty ? REDRAW_MS : LINE_EVERY_MS);
    this.#timer.unref();
  }

  /** Writes a message above the bar. */
  say(text: string): void {
    process.stderr.write(`${this.#tty ? CLEAR : ""}${text}\n`);
    if (this.#tty) this.#draw();
  }

  /** Takes the bar away: what is written now stays. */
  end(): void {
    clearInterval(this.#timer);
    if (this.#tty) process.stderr.write(CLEAR);
  }

  #draw(): void {
    const { lines, bytes } = this.#tally;
    const share = this.#total === undefined || this.#total === 0 ? undefined : Math.min(1, bytes / this.#total);
    const counts = this.#tally.counts(this.#did);
    const text = advanceText({ counts, lines, share, elapsedMs: performance.now() - this.#began });
    if (!this.#tty) process.stderr.write(`${text}\n`);
    // One column less than the terminal has: a full last column would wrap, and then the line is not taken away.
    else process.stderr.write(`${CLEAR}${text.slice(0, Math.max(20, (process.stderr.columns || 80) - 1))}`);
  }
}

/** The bar, what was done, how fast, and how long it still takes. */
export function advanceText({ counts, lines, elapsedMs, share }: Advance): string {
  const perSecond = elapsedMs < 1 ? 0 : Math.round((lines * 1000) / elapsedMs);
  const speed = `${counts}, ${perSecond}/s`;
  if (share === undefined) return speed;
  const full = Math.floor(share * BAR_WIDTH);
  const bar = `${"█".repeat(full)}${"░".repeat(BAR_WIDTH - full)} ${String(Math.floor(share * 100)).padStart(3)} %`;
  const left = share === 0 ? "" : `, ${leftText((elapsedMs / share) * (1 - share))} left`;
  return `${bar}  ${speed}${left}`;
}

function leftText(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
