/** Tells who waits for a saga that it was settled (final or parked) in this process. What other processes do is found by looking. */
export class SagaChanges {
  readonly #waiting = new Map<string, Set<() => void>>();
  #moved = () => {};

  /** Calls `moved` after every transition of this process, also one that settles nothing. */
  watch(moved: () => void): void {
    this.#moved = moved;
  }

  notify(sagaIds: readonly string[]): void {
    this.#moved();
    for (const sagaId of sagaIds) for (const wake of this.#waiting.get(sagaId) ?? []) wake();
  }

  /** Resolves when the saga is settled here, after `timeoutMs`, or when aborted. */
  next(sagaId: string, timeoutMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wakers = this.#waiting.get(sagaId) ?? new Set();
      this.#waiting.set(sagaId, wakers);
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        wakers.delete(done);
        if (wakers.size === 0 && this.#waiting.get(sagaId) === wakers) this.#waiting.delete(sagaId);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      signal.addEventListener("abort", done, { once: true });
      wakers.add(done);
      if (signal.aborted) done();
    });
  }
}
