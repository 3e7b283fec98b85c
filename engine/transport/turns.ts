/**
 * How many batches of one process begin beside each other. More than the cores can work on make each of them smaller, and
 * a batch costs nearly the same whatever it holds. A courtesy and no lock: who has waited for long goes all the same.
 */
export class Turns {
  readonly #limit: number;
  readonly #waiting = new Set<() => void>();
  #running = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get free(): boolean {
    return this.#running < this.#limit;
  }

  take(): void {
    this.#running += 1;
  }

  /** Gives a turn back and wakes whoever has waited longest. */
  give(): void {
    this.#running -= 1;
    const [first] = this.#waiting;
    if (first === undefined || !this.free) return;
    this.#waiting.delete(first);
    first();
  }

  /** `wake` is called once, when a turn is given back. */
  wait(wake: () => void): void {
    this.#waiting.add(wake);
  }

  forget(wake: () => void): void {
    this.#waiting.delete(wake);
  }
}

/** Batches of all groups of this process. */
export const batchTurns = new Turns(Number(process.env["TURNS"] ?? 2));
