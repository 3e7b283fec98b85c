/** Lines before a failed test's own that are repeated: its error, the place, and a difference of some lines. */
const KEPT_LINES = 60;

/** What bun says of one test, or of the whole file. */
const VERDICT = /^\((?:pass|fail|skip|todo)\) |^\S+\.test\.tsx?:$/;

/**
 * What bun wrote of each test that failed, to be repeated at the end of a run of thousands. Given line by line; what
 * stands between the verdict before and `(fail)` is a test's own.
 */
export class FailureLog {
  readonly failures: string[] = [];
  #since: string[] = [];

  add(line: string): void {
    if (!VERDICT.test(line)) {
      this.#since.push(line);
      if (this.#since.length > KEPT_LINES) this.#since.shift();
      return;
    }
    if (line.startsWith("(fail)")) this.failures.push([...this.#since, line].join("\n"));
    this.#since = [];
  }
}
