import { clearLine, drawLine, writeError } from "./write-line.ts";

const REDRAW_MS = 100;
const LINE_EVERY_MS = 5_000;
const BAR_WIDTH = 24;

/** How far a command is. */
export interface Advance {
  /** What was done, for a person: `3 started, 0 refused`. */
  readonly counts: string;
  /** The same as a number, for the speed. */
  readonly done: number;
  /** 0 to 1; undefined when the end is not known. */
  readonly share: number | undefined;
}

/**
 * Says on standard error how far a command is: a bar that is drawn again on a terminal, elsewhere a line now and then.
 * Standard output is left to results. `end` takes the bar away, also when the command fails.
 */
export class Progress {
  readonly #tty = process.stderr.isTTY === true;
  readonly #began = performance.now();
  readonly #look: () => Advance;
  readonly #timer: ReturnType<typeof setInterval>;

  /** `look`: asked whenever it is drawn. */
  constructor(look: () => Advance) {
    this.#look = look;
    this.#timer = setInterval(() => this.#draw(), this.#tty ? REDRAW_MS : LINE_EVERY_MS);
    this.#timer.unref();
  }

  /** Writes a message above the bar. */
  say(text: string): void {
    if (this.#tty) clearLine();
    writeError(text);
    if (this.#tty) this.#draw();
  }

  /** Takes the bar away: what is written now stays. */
  end(): void {
    clearInterval(this.#timer);
    if (this.#tty) clearLine();
  }

  #draw(): void {
    const text = advanceText(this.#look(), performance.now() - this.#began);
    if (!this.#tty) writeError(text);
    else drawLine(text);
  }
}

/** The bar, what was done, how fast, and how long it still takes. */
export function advanceText({ counts, done, share }: Advance, elapsedMs: number): string {
  const perSecond = elapsedMs < 1 ? 0 : Math.round((done * 1000) / elapsedMs);
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
