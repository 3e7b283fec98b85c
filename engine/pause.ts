/** Pauses as long as one of these or longer end together, milliseconds; the longest counts. */
const PULSES_MS = [1_000, 500, 250];
/** How much later than asked a pause may end, milliseconds: a timer that came early must not cost a pulse. */
const LATE_MS = 20;

/**
 * How long a pause of about `ms` lasts, milliseconds: until a pulse that is the same for the whole process, up to one
 * sooner. What looks for work again and again does so at the same moments: on an idle engine the wake-up is what costs, not
 * the look.
 */
export function untilPulse(ms: number, now = performance.now()): number {
  const pulse = PULSES_MS.find((one) => one <= ms);
  return pulse === undefined ? ms : Math.floor((now + ms + LATE_MS) / pulse) * pulse - now;
}

/** A pause that can be cut short. One at a time. */
export class Pause {
  #end: (() => void) | undefined;

  /** For exactly so long, milliseconds. */
  exactly(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#end = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** For about so long, milliseconds, as `untilPulse`. */
  about(ms: number): Promise<void> {
    return this.exactly(untilPulse(ms));
  }

  end(): void {
    this.#end?.();
  }
}
