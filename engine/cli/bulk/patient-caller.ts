import { setTimeout as sleep } from "node:timers/promises";

import { CliError, EXIT } from "../cli-error.ts";
import { type Call, exchange, problemText, type Reply } from "../client.ts";

/** Answers that say "later": too many requests, and what an engine or a proxy says while it cannot serve. */
const LATER: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const PAUSE_MIN_MS = 100;
const PAUSE_MAX_MS = 5_000;
const RETRY_AFTER_MAX_MS = 30_000;

/** What the calls of a run share. */
export interface Patience {
  /** How long an engine that does not answer is waited for. */
  readonly patienceMs: number;
  /** Aborted when the person wants no more: pauses end at once. */
  readonly stopping: AbortSignal;
  /** Aborted when calls under way are given up too. */
  readonly giveUp: AbortSignal;
  /** Told once for each time that the engine is away. */
  readonly onTrouble: (text: string) => void;
}

/** A call that the person's Ctrl-C cut off: whether it took effect is not known. */
export class Interrupted extends Error {}

/**
 * Calls an engine that may be busy, restarting or not there yet: such calls are made again, under the same
 * Idempotency-Key, until it answers or patience ends.
 */
export class PatientCaller {
  readonly #with: Patience;
  #lastWell = Number.NEGATIVE_INFINITY;
  #troubled = false;

  constructor(patience: Patience) {
    this.#with = patience;
  }

  /** @throws CliError when the engine stays away; Interrupted when the person stops it */
  async call(method: "GET" | "POST", path: string, what: Call): Promise<Reply> {
    const began = performance.now();
    for (let attempt = 0; ; attempt++) {
      const outcome = await this.#attempt(method, path, what);
      if (!(outcome instanceof CliError) && !LATER.has(outcome.status)) {
        this.#lastWell = performance.now();
        this.#troubled = false;
        return outcome;
      }
      if (performance.now() - began > this.#with.patienceMs) return this.#lost(outcome, began);
      this.#tell(outcome);
      await this.#pause(pauseMs(outcome, attempt));
    }
  }

  async #attempt(method: "GET" | "POST", path: string, what: Call): Promise<Reply | CliError> {
    try {
      return await exchange(method, path, { ...what, signal: this.#with.giveUp });
    } catch (error) {
      if (this.#with.giveUp.aborted) throw new Interrupted();
      if (error instanceof CliError && error.exit === EXIT.unreachable) return error;
      throw error;
    }
  }

  async #pause(ms: number): Promise<void> {
    try {
      await sleep(ms, undefined, { signal: this.#with.stopping });
    } catch {
      throw new Interrupted();
    }
  }

  /** Others get answers: then it is this one call that cannot be served, and only it is refused. */
  #lost(outcome: Reply | CliError, began: number): Reply {
    if (!(outcome instanceof CliError) && this.#lastWell > began) return outcome;
    const seconds = Math.round(this.#with.patienceMs / 1000);
    throw new CliError(EXIT.unreachable, `${says(outcome)}\nWaited ${seconds} s for it.`);
  }

  #tell(outcome: Reply | CliError): void {
    // One busy moment is no news.
    if (this.#troubled || this.#lastWell > performance.now() - 1_000) return;
    this.#troubled = true;
    const seconds = Math.round(this.#with.patienceMs / 1000);
    this.#with.onTrouble(`${says(outcome)}\nTrying again for ${seconds} s.`);
  }
}

function says(outcome: Reply | CliError): string {
  return outcome instanceof CliError ? outcome.message : problemText(outcome.status, outcome.answer);
}

/** What the engine asks for in `Retry-After` (seconds, or a date), or twice as long each time; never all at once. */
function pauseMs(outcome: Reply | CliError, attempt: number): number {
  const asked =
    outcome instanceof CliError || outcome.retryAfter === null ? undefined : retryAfterMs(outcome.retryAfter);
  const base = asked ?? Math.min(PAUSE_MAX_MS, PAUSE_MIN_MS * 2 ** Math.min(attempt, 10));
  return base + Math.random() * PAUSE_MIN_MS;
}

/** Milliseconds that a `Retry-After` header asks for; undefined when it says nothing usable. */
export function retryAfterMs(header: string, now = Date.now()): number | undefined {
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.min(RETRY_AFTER_MAX_MS, Math.max(0, ms));
}
