/** Lets one call for a key in at a time; the others wait, each for a bounded time. */
export class KeyQueues {
  readonly #waitMs: number;
  readonly #late: () => Error;
  readonly #last = new Map<string, Promise<void>>();

  /** `late`: the refusal of who has waited for `waitMs`. */
  constructor(waitMs: number, late: () => Error) {
    this.#waitMs = waitMs;
    this.#late = late;
  }

  /** Resolves when it is this call's turn, with what the call has to call at its end. @throws `late` */
  async enter(key: string): Promise<() => void> {
    const before = this.#last.get(key);
    const { promise: over, resolve } = Promise.withResolvers<void>();
    this.#last.set(key, over);
    void over.then(() => {
      if (this.#last.get(key) === over) this.#last.delete(key);
    });
    if (before === undefined || (await this.#inTime(before))) return resolve;
    // Who stands behind this call waits for those before it all the same.
    void before.then(resolve);
    throw this.#late();
  }

  async #inTime(before: Promise<void>): Promise<boolean> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(() => resolve(false), this.#waitMs);
    });
    const first = await Promise.race([before.then(() => true as const), late]);
    clearTimeout(timer);
    return first;
  }
}
