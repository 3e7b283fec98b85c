import type { Random } from "./random.ts";
import type { Transaction } from "./store.ts";

/** A process of the engine. When it dies, whatever it waits for never comes. */
export interface Owner {
  readonly name: string;
  alive: boolean;
}

/** Something that has been sent and not done yet. */
interface Waiting {
  readonly owner: Owner;
  readonly ready: () => boolean;
  readonly run: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface Sleep {
  readonly atMs: number;
  readonly owner: Owner;
  readonly wake: () => void;
  readonly end: (reason: Error) => void;
}

/**
 * The virtual clock, and everything that waits: statements, each transaction's in their order, and pauses. The run picks
 * what happens next; between two picks every process has gone on as far as it can.
 */
export class Schedule {
  readonly #queues = new Map<Transaction, Waiting[]>();
  #sleeps: Sleep[] = [];
  readonly #random: Random;
  /** Share of statements that let others go first; the rest are done on the spot. */
  readonly #granularity: number;
  #nowMs: number;
  /** The clock may be put back; a timer that was due once is not early. */
  latestMs: number;

  constructor(random: Random, granularity: number, nowMs: number) {
    this.#random = random;
    this.#granularity = granularity;
    this.#nowMs = nowMs;
    this.latestMs = nowMs;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  set nowMs(ms: number) {
    this.#nowMs = ms;
    this.latestMs = Math.max(this.latestMs, ms);
  }

  /** Does a statement of a transaction when its turn has come and `ready` says that no lock is in its way. */
  submit<T>(owner: Owner, transaction: Transaction, run: () => T, ready: () => boolean = always): Promise<T> {
    if (!owner.alive || transaction.ended) return new Promise(() => {});
    const queue = this.#queues.get(transaction) ?? [];
    if (queue.length === 0 && !this.#random.chance(this.#granularity) && ready()) return attempt(run);
    this.#queues.set(transaction, queue);
    return new Promise((resolve, reject) => {
      queue.push({ owner, ready, run, resolve: resolve as (value: unknown) => void, reject });
    });
  }

  /** Resolves when the time has come. When the process dies first it fails, so that a handler lets go of its real timer. */
  sleep(owner: Owner, ms: number): Promise<void> {
    return new Promise((wake, end) => {
      if (owner.alive) this.#sleeps.push({ atMs: this.nowMs + ms, owner, wake, end });
    });
  }

  /** What can happen now. */
  ready(): (() => void)[] {
    const found: (() => void)[] = [];
    for (const [transaction, queue] of this.#queues) {
      const [next] = queue;
      if (next?.ready()) found.push(() => this.#do(transaction, queue));
    }
    for (const sleep of this.#sleeps) if (sleep.atMs <= this.nowMs) found.push(() => this.#wake(sleep));
    return found;
  }

  /** When the next pause is over. */
  nextMs(): number {
    return this.#sleeps.reduce((least, { atMs }) => Math.min(least, atMs), Number.POSITIVE_INFINITY);
  }

  /** What a process has sent is not done any more. */
  forget(owner: Owner): void {
    for (const [transaction, queue] of this.#queues) if (queue[0]?.owner === owner) this.#queues.delete(transaction);
    for (const sleep of this.#sleeps) if (sleep.owner === owner) sleep.end(new Error("the process has died"));
    this.#sleeps = this.#sleeps.filter((sleep) => sleep.owner !== owner);
  }

  #do(transaction: Transaction, queue: Waiting[]): void {
    const next = queue.shift() as Waiting;
    if (queue.length === 0) this.#queues.delete(transaction);
    try {
      next.resolve(next.run());
    } catch (error) {
      next.reject(error);
    }
  }

  #wake(sleep: Sleep): void {
    this.#sleeps = this.#sleeps.filter((one) => one !== sleep);
    sleep.wake();
  }
}

function always(): boolean {
  return true;
}

async function attempt<T>(run: () => T): Promise<T> {
  return run();
}
