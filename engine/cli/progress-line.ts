import { clearLine, drawLine, writeError } from "./write-line.ts";

const BAR_WIDTH = 24;
const LINE_EVERY_MS = 5_000;

/**
 * How far something is, on standard error: a bar that is drawn again on a terminal, elsewhere a line now and then.
 * Standard output is left to results.
 */
export class ProgressLine {
  readonly #tty = process.stderr.isTTY === true;
  #saidAt = performance.now();

  /** `share`: 0 to 1. */
  show(share: number, text: string): void {
    const full = Math.floor(share * BAR_WIDTH);
    const percent = String(Math.floor(share * 100)).padStart(3);
    const line = `${"█".repeat(full)}${"░".repeat(BAR_WIDTH - full)} ${percent} %  ${text}`;
    if (this.#tty) drawLine(line);
    else if (performance.now() - this.#saidAt >= LINE_EVERY_MS) {
      this.#saidAt = performance.now();
      writeError(line);
    }
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#tty) clearLine();
  }
}
