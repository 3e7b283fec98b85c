import type { Bound } from "../../core/bound.ts";
import { Refusal } from "../../core/refusal.ts";
import type { Log } from "../../sdk.ts";
import type { Sql } from "../../timeline/database.ts";
import { readSnapshot, type Snapshot, type StreamWindow } from "../../timeline/read-stream.ts";
import { isSame } from "./position.ts";
import type { StreamReader, Told } from "./stream-reader.ts";

/** What the streams of a process may take. */
export interface StreamLimits {
  /** Streams open at once. */
  readonly clientsMax: number;
  /** Events that wait for a client; one more, and it is told to resume. */
  readonly waitingMax: number;
  /** How often the tail looks while something happens, in milliseconds. */
  readonly pollMs: number;
  /** The same while nothing does. */
  readonly restMs: number;
  /** A client hears something this often at least, in milliseconds. */
  readonly pingMs: number;
  /** Messages that a client may lie behind; one more, and it starts anew. */
  readonly behindMax: number;
}

export const STREAM_LIMITS: StreamLimits = {
  clientsMax: 500,
  waitingMax: 2_000,
  pollMs: 100,
  restMs: 200,
  pingMs: 5_000,
  behindMax: 100_000,
};

/** Something happened so lately that more is expected. */
const LIVELY_MS = 5_000;
/** However much is written here, the tail looks no sooner than so long after it looked. */
const APART_MS = 50;

/** One client of the tail. */
export interface Listener {
  /** `whole`: with these it has been told all that this snapshot shows. */
  take(told: readonly Told[], whole: Snapshot | undefined): void;
  /** The process stops. */
  stop(): void;
}

/** The one reader of new events in this process, for all of its streams. Without a client it rests. */
export class Tail {
  readonly #sql: Sql;
  readonly #reader: StreamReader;
  readonly #log: Log;
  readonly #limits: StreamLimits;
  readonly #clients = new Set<Listener>();
  readonly #joined = new Set<Listener>();
  /** What is read next; with a `to`, a page of it is told already. */
  #window: StreamWindow | undefined;
  #waiting: PromiseWithResolvers<Snapshot>[] = [];
  #running = false;
  #lookedAt = 0;
  #toldAt = Number.NEGATIVE_INFINITY;
  /** Something was written here since the tail last looked. */
  #isRoused = false;
  #wake: (() => void) | undefined;
  #failing = false;
  #refused = 0;

  constructor(sql: Sql, reader: StreamReader, log: Log, limits: StreamLimits) {
    this.#sql = sql;
    this.#reader = reader;
    this.#log = log;
    this.#limits = limits;
  }

  get bounds(): readonly Bound[] {
    const { clientsMax: limit } = this.#limits;
    const now = () => this.#clients.size;
    return [
      { name: "ekiden_stream_clients", help: "Event streams that are open.", limit, now, hits: () => this.#refused },
    ];
  }

  /** Lets a client in, which hears nothing before it joins. @throws Refusal `stream.full` */
  enter(client: Listener): void {
    const { clientsMax } = this.#limits;
    if (this.#clients.size >= clientsMax) {
      this.#refused += 1;
      const hint = "Connect again after Retry-After, or to another process with the role `api`.";
      throw new Refusal("stream.full", `${clientsMax} streams are open already`, hint);
    }
    this.#clients.add(client);
    if (!this.#running) void this.#run();
  }

  leave(client: Listener): void {
    this.#clients.delete(client);
    this.#joined.delete(client);
  }

  /** What everyone has been told, as soon as that is all of a snapshot. @throws what the database answered */
  position(): Promise<Snapshot> {
    const now = this.settled;
    if (now !== undefined) return Promise.resolve(now);
    const waiting = Promise.withResolvers<Snapshot>();
    this.#waiting.push(waiting);
    return waiting.promise;
  }

  /** The same, when it is so at this moment. */
  get settled(): Snapshot | undefined {
    return this.#window?.to === undefined ? this.#window?.from : undefined;
  }

  /** From now on the client is told what comes. False: it has not seen all that was told. */
  join(client: Listener, seen: Snapshot): boolean {
    const now = this.settled;
    if (now === undefined || !isSame(now, seen)) return false;
    // One that has left meanwhile is not taken back.
    if (this.#clients.has(client)) this.#joined.add(client);
    return true;
  }

  /** Something was written by this process: the tail looks now. */
  rouse(): void {
    this.#isRoused = true;
    this.#wake?.();
  }

  /** Ends all streams. */
  stop(): void {
    for (const client of [...this.#clients]) client.stop();
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#clients.size > 0) {
      try {
        await this.#poll();
        this.#failing = false;
      } catch (error) {
        this.#failed(error);
      }
      await this.#rest();
    }
    this.#running = false;
    this.#window = undefined;
  }

  async #rest(): Promise<void> {
    const { pollMs, restMs } = this.#limits;
    const isLively = performance.now() - this.#toldAt < LIVELY_MS;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = setTimeout(resolve, isLively ? pollMs : restMs);
    if (this.#isRoused) resolve();
    await promise;
    clearTimeout(timer);
    this.#wake = undefined;
    await Bun.sleep(Math.max(0, this.#lookedAt + APART_MS - performance.now()));
  }

  async #poll(): Promise<void> {
    // Before the look: what is written during it may not be in it.
    this.#isRoused = false;
    this.#lookedAt = performance.now();
    this.#window ??= { from: await readSnapshot(this.#sql) };
    do {
      const { told, to, rest } = await this.#reader.page(this.#window);
      this.#window = rest ?? { from: to };
      if (told.length > 0) this.#toldAt = performance.now();
      for (const client of [...this.#joined]) client.take(told, rest === undefined ? to : undefined);
    } while (this.#window.to !== undefined);
    for (const { resolve } of this.#waiting.splice(0)) resolve(this.#window.from);
  }

  /** Whoever has joined misses nothing: it is read when the database is back. */
  #failed(error: unknown): void {
    if (!this.#failing) this.#log.warn("the event streams wait for the database", { error });
    this.#failing = true;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
