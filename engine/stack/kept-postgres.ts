import { join, resolve } from "node:path";

import type { RunningPostgres } from "./embedded-postgres.ts";
import { StackError } from "./stack-error.ts";

/** How often it is looked whether it still runs; elsewhere than on Linux each look starts a `ps`. */
const LOOK_EVERY_MS = process.platform === "linux" ? 2_000 : 5_000;
/** How long a start is tried again: sessions of a server that was killed end with their statements, and hold its data till then. */
const TRY_FOR_MS = 90_000;
const TRY_EVERY_MS = 1_000;
/** What ends again and again has a reason that no start mends. */
const STARTS_MAX = 5;
const STARTS_WITHIN_MS = 600_000;

/** What is told on the way. */
interface Told {
  readonly info: (message: string) => void;
  readonly error: (message: string) => void;
}

/**
 * The engine's own PostgreSQL, watched: where it ends without being asked it is started again at the same address, and
 * pools connect anew, those of other processes too. Where that does not succeed `onLost` is called, once.
 */
export class KeptPostgres {
  readonly #log: string;
  readonly #told: Told;
  readonly #onLost: (error: StackError) => void;
  readonly #started: number[] = [];
  #server: RunningPostgres;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #looking: Promise<void> = Promise.resolve();
  #stopping = false;

  constructor(server: RunningPostgres, home: string, told: Told, onLost: (error: StackError) => void) {
    this.#server = server;
    this.#log = join(resolve(home), "postgres.log");
    this.#told = told;
    this.#onLost = onLost;
    this.#schedule();
  }

  /** Ends the watch, then the server. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    await this.#looking;
    await this.#server.stop();
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      this.#looking = this.#look();
    }, LOOK_EVERY_MS);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    if (!(await this.#server.runs())) {
      const lost = this.#stopping ? undefined : await this.#heal();
      if (lost !== undefined) return this.#onLost(lost);
    }
    if (!this.#stopping) this.#schedule();
  }

  /** Undefined: it runs again, or the engine stops anyway. */
  async #heal(): Promise<StackError | undefined> {
    const since = performance.now();
    const what = `the engine's own PostgreSQL (pid ${this.#server.pid}) ended without being asked`;
    if (this.#startedOften(since)) return this.#lost(`it ended ${STARTS_MAX + 1} times within ten minutes`);
    this.#told.error(
      `${what}; it is started again, nothing that was committed is lost. Why it ended may stand in ${this.#log}`,
    );
    for (;;) {
      const failure = await this.#startAgain();
      if (this.#stopping) return undefined;
      if (failure === undefined) {
        const seconds = ((performance.now() - since) / 1_000).toFixed(1);
        this.#told.info(`the engine's own PostgreSQL runs again (pid ${this.#server.pid}), after ${seconds} s`);
        return undefined;
      }
      if (!mayPass(failure) || performance.now() - since > TRY_FOR_MS) return this.#lost(failure.message, failure);
      await Bun.sleep(TRY_EVERY_MS);
    }
  }

  #startedOften(now: number): boolean {
    while (this.#started[0] !== undefined && now - this.#started[0] > STARTS_WITHIN_MS) this.#started.shift();
    this.#started.push(now);
    return this.#started.length > STARTS_MAX;
  }

  async #startAgain(): Promise<Error | undefined> {
    try {
      this.#server = await this.#server.startAgain();
      return undefined;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  #lost(reason: string, cause?: Error): StackError {
    const message = `the engine's own PostgreSQL ended without being asked and cannot be started again: ${reason}`;
    const first = cause instanceof StackError ? `${cause.hint} ` : "";
    const hint = `${first}Its log is ${this.#log}. Nothing that was committed is lost; start the engine again.`;
    return new StackError("stack.postgres-lost", message, hint, { cause });
  }
}

/** Whether waiting helps: somebody has the port, or its data are still held. What is gone stays gone. */
function mayPass(failure: Error): boolean {
  return failure instanceof StackError && ["stack.port-taken", "stack.data-in-use"].includes(failure.code);
}
