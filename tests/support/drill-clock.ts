import { appendFileSync } from "node:fs";

/** Measures a drill and prints its line of the table. */
export class DrillClock {
  engines = 0;
  sagas = 0;
  readonly #title: string;
  #brokenAt: number | undefined;
  #noticedAt: number | undefined;
  #healedAt: number | undefined;

  constructor(title: string) {
    this.#title = title;
  }

  /** The disaster happens now. */
  broken(): void {
    this.#brokenAt = performance.now();
  }

  /** The engine says so for the first time. */
  noticed(): void {
    this.#noticedAt ??= performance.now();
  }

  /** Everything that was on its way has gone on, and every part is well. */
  healed(): void {
    this.#healedAt ??= performance.now();
  }

  /** Prints the line, and adds it to the file that EKIDEN_DRILLS names. */
  report(): void {
    const line = `| ${[this.#title, this.engines, this.sagas, this.#after(this.#noticedAt), this.#after(this.#healedAt)].join(" | ")} |`;
    console.log(line);
    const file = process.env["EKIDEN_DRILLS"];
    if (file !== undefined) appendFileSync(file, `${line}\n`);
  }

  #after(at: number | undefined): string {
    if (at === undefined || this.#brokenAt === undefined) return "-";
    return `${((at - this.#brokenAt) / 1_000).toFixed(1)} s`;
  }
}
