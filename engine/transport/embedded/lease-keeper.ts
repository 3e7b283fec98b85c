import { untilPulse } from "../../pause.ts";
import { isCompiled } from "../../timeline/engine-migrations.ts";
import { CELL, type LeaseThreadStart, STUCK_AFTER_MS } from "./lease-renewal.ts";

/** In the binary each source lies where it does in the project, from the program's own folder. */
const THREAD = isCompiled ? "./engine/transport/embedded/lease-thread.ts" : "./lease-thread.ts";
const END_MS = 2_000;
const FAILED = "the thread that keeps the lease has failed: a handler that computes for 3 s loses it";
/** How often the event loop shows that it is free. */
const TURN_MS = 500;

export interface LeaseKeeperOptions extends Omit<LeaseThreadStart, "cells" | "stuckAfterMs"> {
  /** How long the event loop may be busy, milliseconds; without it as long as the owner may not come round. */
  readonly stuckAfterMs?: number;
  /** Told when the thread could not be started or has failed. Nothing depends on it but what the thread is for. */
  readonly problem: (what: string, error: unknown) => void;
}

/** Keeps the lease while the event loop is busy, by a thread that is told here what the loop does. */
export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  readonly #cells = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT * Object.keys(CELL).length));
  #thread: Worker | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
  }

  /** This process holds the lease. */
  held(epoch: number): void {
    Atomics.store(this.#cells, CELL.epoch, epoch);
    this.renewed();
    this.cameRound();
    this.#turn();
    this.#thread ??= this.#startSafely();
  }

  /** The event loop has renewed the lease. */
  renewed(): void {
    Atomics.add(this.#cells, CELL.renewals, 1);
  }

  /** The owner has come round. */
  cameRound(): void {
    Atomics.add(this.#cells, CELL.rounds, 1);
  }

  /** This process holds the lease no more. */
  lost(): void {
    clearTimeout(this.#timer);
    Atomics.store(this.#cells, CELL.epoch, 0);
  }

  /** Ends the thread. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    const thread = this.#thread;
    this.#thread = undefined;
    if (thread === undefined) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, END_MS);
    thread.addEventListener("close", () => resolve());
    thread.postMessage("stop");
    await promise;
    clearTimeout(timer);
  }

  #turn(): void {
    clearTimeout(this.#timer);
    Atomics.add(this.#cells, CELL.turns, 1);
    this.#timer = setTimeout(() => this.#turn(), untilPulse(TURN_MS));
    this.#timer.unref();
  }

  /** A process that can make no thread owns the transport all the same. */
  #startSafely(): Worker | undefined {
    try {
      return this.#start();
    } catch (error) {
      this.#options.problem(FAILED, error);
      return undefined;
    }
  }

  #start(): Worker {
    const { databaseUrl, owner, process, problem, stuckAfterMs = STUCK_AFTER_MS } = this.#options;
    const thread = new Worker(new URL(THREAD, import.meta.url).href);
    // It keeps no process alive.
    thread.unref();
    thread.addEventListener("error", ({ message }) => {
      if (this.#thread === thread) this.#thread = undefined;
      problem(FAILED, message);
    });
    thread.postMessage({ cells: this.#cells, databaseUrl, owner, process, stuckAfterMs } satisfies LeaseThreadStart);
    return thread;
  }
}
