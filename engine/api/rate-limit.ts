import { RequestError } from "./request-error.ts";

/** Callers that are counted at once; those who have been quiet are forgotten first. */
const CALLERS_MAX = 10_000;

interface Bucket {
  left: number;
  at: number;
}

/** Requests a second that each caller may send to this process, and twice as many in a burst. 0: no limit. */
export class RateLimit {
  readonly #perSecond: number;
  readonly #now: () => number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(perSecond: number, now: () => number = () => performance.now()) {
    this.#perSecond = perSecond;
    this.#now = now;
  }

  /** @throws RequestError `request.rate-limited` */
  admit(caller: string): void {
    if (this.#perSecond === 0) return;
    const bucket = this.#bucketOf(caller);
    if (bucket.left < 1) {
      const hint = "Send it again after Retry-After, or raise EKIDEN_RATE_LIMIT; nothing was changed.";
      const message = `${caller} sends more than ${this.#perSecond} requests a second`;
      throw new RequestError("request.rate-limited", message, hint);
    }
    bucket.left -= 1;
  }

  #bucketOf(caller: string): Bucket {
    const now = this.#now();
    const most = 2 * this.#perSecond;
    const found = this.#buckets.get(caller) ?? { left: most, at: now };
    found.left = Math.min(most, found.left + ((now - found.at) / 1_000) * this.#perSecond);
    found.at = now;
    // Behind all others: the first in the map is the one that has been quiet for longest.
    this.#buckets.delete(caller);
    this.#buckets.set(caller, found);
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > CALLERS_MAX && oldest !== undefined) this.#buckets.delete(oldest);
    return found;
  }
}
