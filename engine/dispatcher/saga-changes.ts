/** So many ends are remembered for callers who begin to wait for a saga that they have just started. */
const REMEMBERED_MAX = 1_000;

/** Tells who waits for a saga that it was settled (final or parked) in this process. What other processes do is found by looking. */
export class SagaChanges {
  readonly #waiting = new Map<string, Set<(settled?: boolean) => void>>();
  readonly #remembered = new Set<string>();
  #watcher = () => {};

  /** Calls `watcher` after every transition of this process, also one that settles nothing. */
  watch(watcher: () => void): void {
    this.#watcher = watcher;
  }

  /** These are final or parked now. */
  settled(sagaIds: readonly string[]): void {
    this.#watcher();
    for (const sagaId of sagaIds) {
      this.#remembered.add(sagaId);
      for (const wake of this.#waiting.get(sagaId) ?? []) wake(true);
    }
    for (const oldest of this.#remembered) {
      if (this.#remembered.size <= REMEMBERED_MAX) break;
      this.#remembered.delete(oldest);
    }
  }

  /** Whether it was settled here lately. It may have been set going again since. */
  hasSettled(sagaId: string): boolean {
    return this.#remembered.has(sagaId);
  }

  /** This one has moved: a look at it is worth while. */
  moved(sagaId: string): void {
    this.#watcher();
    for (const wake of this.#waiting.get(sagaId) ?? []) wake();
  }

  /** Resolves when the saga is settled here (true), when it has moved, after `timeoutMs`, or when aborted. */
  next(sagaId: string, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const wakers = this.#waiting.get(sagaId) ?? new Set();
      this.#waiting.set(sagaId, wakers);
      const done = (settled?: unknown) => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        wakers.delete(done);
        if (wakers.size === 0 && this.#waiting.get(sagaId) === wakers) this.#waiting.delete(sagaId);
        resolve(settled === true);
      };
      const timer = setTimeout(done, timeoutMs);
      signal.addEventListener("abort", done, { once: true });
      wakers.add(done);
      if (signal.aborted) done();
    });
  }
}
