import type { Bound } from "../core/bound.ts";

/** What became of one item of a group. `again`: it goes into the next group. */
export type GroupResult<R> = { readonly value: R } | { readonly error: unknown } | "again";

/** How to do what was gathered. */
export interface GroupOptions<T, R> {
  /** Of the bound on what waits, as metrics show it. */
  readonly name: string;
  /** What waits, in words. */
  readonly help: string;
  /** Does one group and says for each item, in order, what became of it. What it throws, each of them gets. */
  run(items: readonly T[]): Promise<readonly GroupResult<R>[]>;
  /** Groups in progress at once: a further one begins when this one is full, or has taken long. */
  readonly parallel: number;
  /** Most items of one group. */
  readonly max: number;
  /** Most items that wait for a group; one more is refused. */
  readonly waitingMax: number;
  /** Waited for before a group begins; what comes meanwhile goes with it. Resolves to what gives the turn back. */
  readonly turn?: () => Promise<() => void>;
  /** The refusal of one item too many. */
  full(waiting: number): Error;
}

/** A group that takes longer no longer keeps others waiting. */
const LATE_MS = 50;

interface Waiting<T, R> {
  readonly item: T;
  resolve(value: R): void;
  reject(error: unknown): void;
}

/**
 * Gathers calls that arrive while others are in progress and does them together, as databases do with commits (group
 * commit): an idle engine answers at once, a busy one does more with each round trip.
 */
export class Grouped<T, R> {
  readonly #options: GroupOptions<T, R>;
  #waiting: Waiting<T, R>[] = [];
  #running = 0;
  /** Groups in progress that have taken long. */
  #late = 0;
  #refused = 0;
  /** Items that wait for a group. */
  readonly bound: Bound;

  constructor(options: GroupOptions<T, R>) {
    this.#options = options;
    const { name, help, waitingMax: limit } = options;
    this.bound = { name, help, limit, now: () => this.#waiting.length, hits: () => this.#refused };
  }

  /** Does one item in a group. @throws what `run` says of it, or `full` at once. */
  do(item: T): Promise<R> {
    const { waitingMax, full } = this.#options;
    if (this.#waiting.length >= waitingMax) {
      this.#refused += 1;
      return Promise.reject(full(this.#waiting.length));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      this.#pump();
    });
  }

  #pump(): void {
    const { parallel, max } = this.#options;
    while (this.#running < parallel && this.#waiting.length > 0) {
      if (this.#running > this.#late && this.#waiting.length < max) return;
      this.#running += 1;
      void this.#begin();
    }
  }

  /** A group is taken when it has its turn: what came while it waited is in it. */
  async #begin(): Promise<void> {
    const { turn, max } = this.#options;
    const give = turn === undefined ? undefined : await turn();
    const group = this.#waiting.splice(0, max);
    if (group.length > 0) return this.#run(group, give);
    give?.();
    this.#running -= 1;
  }

  async #run(group: readonly Waiting<T, R>[], give?: () => void): Promise<void> {
    let late = 0;
    const timer = setTimeout(() => {
      late = 1;
      this.#late += late;
      this.#pump();
    }, LATE_MS);
    try {
      const results = await this.#options.run(group.map(({ item }) => item));
      const again = group.filter((_one, at) => results[at] === "again");
      this.#waiting.unshift(...again);
      for (const [at, one] of group.entries()) settle(one, results[at]);
    } catch (error) {
      for (const one of group) one.reject(error);
    } finally {
      clearTimeout(timer);
      give?.();
      this.#late -= late;
      this.#running -= 1;
      this.#pump();
    }
  }
}

function settle<T, R>(one: Waiting<T, R>, result: GroupResult<R> | undefined): void {
  if (result === "again") return;
  if (result === undefined) one.reject(new Error("a group left out one of its items"));
  else if ("error" in result) one.reject(result.error);
  else one.resolve(result.value);
}
