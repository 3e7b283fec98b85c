/** How long a consumer bears with what. All in milliseconds. */
export interface Patience {
  /** Without a sign of life from the client for so long it counts as crashed. */
  readonly silentMs: number;
  /** A message without an outcome for so long is a problem. */
  readonly stalledMs: number;
  /** So long it is tried to build the client anew before the process is given up. */
  readonly rebuildMs: number;
  /** A client that lived for so long has recovered; one that crashes sooner is still the same trouble. */
  readonly recoveredMs: number;
  /** A last commit may take so long at a stop. */
  readonly commitMs: number;
}

export const patience: Patience = {
  silentMs: 45_000,
  stalledMs: 60_000,
  rebuildMs: 300_000,
  recoveredMs: 20_000,
  commitMs: 5_000,
};

/** Shorter, and a member that waits for the others of its group to join would count as crashed (up to 15 s). */
const SILENT_MIN_MS = 20_000;

/** The patience of a process that tries for `rebuildMs` to build a lost consumer anew. */
export function patienceOf(rebuildMs: number): Patience {
  const silentMs = Math.min(patience.silentMs, Math.max(SILENT_MIN_MS, rebuildMs));
  return { ...patience, rebuildMs, silentMs };
}

const FIRST_MS = 200;
const MAX_MS = 10_000;

/** Builds a crashed client anew, with growing pauses, until it works or the patience is at its end. */
export class Rebuilding {
  readonly #patience: Patience;
  readonly #port: { build(): Promise<void>; giveUp(error: Error): void };
  #failures = 0;
  #since: number | undefined;
  #aliveAt: number | undefined;
  #reason = "";
  #cancelled = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(limits: Patience, port: { build(): Promise<void>; giveUp(error: Error): void }) {
    this.#patience = limits;
    this.#port = port;
  }

  /** True from a crash until the next client has its partitions. */
  get active(): boolean {
    return this.#since !== undefined && this.#aliveAt === undefined;
  }

  get reason(): string {
    return this.#reason;
  }

  /** The client crashed, or could not be built. */
  failed(error: Error): void {
    if (this.#cancelled) return;
    const now = Date.now();
    const recovered = this.#aliveAt !== undefined && now - this.#aliveAt > this.#patience.recoveredMs;
    if (recovered || this.#since === undefined) {
      this.#since = now;
      this.#failures = 0;
    }
    this.#aliveAt = undefined;
    this.#reason = error.message.split("\n")[0] ?? "";
    this.#failures += 1;
    if (now - this.#since > this.#patience.rebuildMs) {
      this.#cancelled = true;
      this.#port.giveUp(error);
      return;
    }
    const wait = Math.min(MAX_MS, FIRST_MS * 2 ** (this.#failures - 1));
    this.#timer = setTimeout(() => void this.#port.build(), wait);
  }

  /** The client has its partitions. */
  succeeded(): void {
    this.#aliveAt ??= Date.now();
  }

  cancel(): void {
    this.#cancelled = true;
    clearTimeout(this.#timer);
  }
}
