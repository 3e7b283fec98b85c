const FIRST_MS = 1_000;
const MOST_MS = 30_000;

/**
 * Actions that are not tried again in some way for a while: each time for twice as long, until it went well again, since
 * on a machine that is short of breath everything goes wrong now and then.
 */
export class Rests {
  readonly #rests = new Map<string, { readonly until: number; readonly forMs: number }>();

  isResting(action: string): boolean {
    return (this.#rests.get(action)?.until ?? 0) >= Date.now();
  }

  rest(action: string): void {
    const forMs = Math.min(MOST_MS, (this.#rests.get(action)?.forMs ?? FIRST_MS / 2) * 2);
    this.#rests.set(action, { until: Date.now() + forMs, forMs });
  }

  /** It went well. */
  wake(action: string): void {
    this.#rests.delete(action);
  }
}
