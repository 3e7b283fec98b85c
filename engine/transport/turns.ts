import { availableParallelism } from "node:os";

/** A batch that takes longer gives its turn to the next one: what it waits for, others need not wait for. */
const TURN_MS = 50;

/**
 * Whose batches may run now, of all groups of one process, its groups of starts among them. A batch costs nearly the same
 * whatever it holds, and more of them at once than there are cores to work on them make each smaller: while one runs,
 * messages gather for the next.
 */
export class Turns {
  readonly #limit: number;
  readonly #turnMs: number;
  readonly #waiting = new Set<() => void>();
  #running = 0;

  constructor(limit: number, turnMs = TURN_MS) {
    this.#limit = limit;
    this.#turnMs = turnMs;
  }

  get free(): boolean {
    return this.#running < this.#limit;
  }

  /** Takes a turn; the batch calls what it gets when it has ended. */
  take(): () => void {
    this.#running += 1;
    let given = false;
    const give = () => {
      if (given) return;
      given = true;
      clearTimeout(timer);
      this.#running -= 1;
      this.#wakeNext();
    };
    const timer = setTimeout(give, this.#turnMs);
    return give;
  }

  /** Takes a turn as soon as there is one. */
  next(): Promise<() => void> {
    if (this.free) return Promise.resolve(this.take());
    // Taken in the very call, or whoever is woken next would have it.
    return new Promise((resolve) => this.wait(() => resolve(this.take())));
  }

  /** Calls `wake` once, when there is a turn to take; those who wait are called one after the other. */
  wait(wake: () => void): void {
    this.#waiting.add(wake);
  }

  forget(wake: () => void): void {
    this.#waiting.delete(wake);
  }

  #wakeNext(): void {
    for (const wake of this.#waiting) {
      if (!this.free) return;
      this.#waiting.delete(wake);
      wake();
    }
  }
}

/** As many as there are cores: more of them gain nothing. */
export const batchTurns = new Turns(Math.max(2, availableParallelism()));

/** The next turn of this process, for work that is no batch of a group. */
export const nextTurn = (): Promise<() => void> => batchTurns.next();
