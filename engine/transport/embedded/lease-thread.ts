/**
 * A thread beside the event loop of an owner: while a handler computes, the loop renews nothing, and a standby would take
 * the lease, cut the handler's transaction and run the same message. It connects only then, and ends with the process,
 * or stands still with it.
 */
import { connect, type Sql } from "../../timeline/database.ts";
import { CELL, type LeaseThreadStart, renewLease } from "./lease-renewal.ts";

const LOOK_MS = 500;
/** The event loop renews every second. With two looks before a renewal it lies within the lease. */
const MISSED_MS = 1_200;
/** A loop without a turn for so long is busy. One that has turns, and no answer to its renewals, has nothing that a standby has not. */
const BUSY_MS = 800;

declare const self: { onmessage: ((event: { readonly data: unknown }) => void) | null };

class LeaseThread {
  readonly #start: LeaseThreadStart;
  readonly #timer = setInterval(() => void this.#look(), LOOK_MS);
  /** Cells as they were when they last changed, and when that was. */
  readonly #seen = new Map<number, { readonly value: number; readonly at: number }>();
  #sql: Sql | undefined;
  #busy = false;

  constructor(start: LeaseThreadStart) {
    this.#start = start;
  }

  async end(): Promise<void> {
    clearInterval(this.#timer);
    await this.#disconnect();
  }

  async #look(): Promise<void> {
    const epoch = Atomics.load(this.#start.cells, CELL.epoch);
    const held = this.#unchangedFor(CELL.epoch);
    const renewed = this.#unchangedFor(CELL.renewals);
    const cameRound = this.#unchangedFor(CELL.rounds);
    const turned = this.#unchangedFor(CELL.turns);
    if (this.#busy) return;
    this.#busy = true;
    try {
      const missed = epoch > 0 && Math.min(held, renewed) >= MISSED_MS && turned >= BUSY_MS;
      if (missed && cameRound < this.#start.stuckAfterMs) await this.#renew(epoch);
      else await this.#disconnect();
    } catch {
      // The event loop finds out by itself, with what there is to say.
      await this.#disconnect();
    } finally {
      this.#busy = false;
    }
  }

  async #renew(epoch: number): Promise<void> {
    const { databaseUrl, owner, process } = this.#start;
    this.#sql ??= connect(databaseUrl, { max: 1, name: "lease", process });
    // A loop that is busy is not at rest, and takes up nothing that it is told of.
    await renewLease(this.#sql, owner, epoch, false);
  }

  async #disconnect(): Promise<void> {
    const sql = this.#sql;
    this.#sql = undefined;
    await sql?.end({ timeout: 1 }).catch(() => {});
  }

  #unchangedFor(cell: number): number {
    const value = Atomics.load(this.#start.cells, cell);
    const now = performance.now();
    const seen = this.#seen.get(cell);
    if (seen?.value === value) return now - seen.at;
    this.#seen.set(cell, { value, at: now });
    return 0;
  }
}

let thread: LeaseThread | undefined;
self.onmessage = async ({ data }) => {
  if (thread === undefined) {
    thread = new LeaseThread(data as LeaseThreadStart);
    return;
  }
  await thread.end();
  process.exit();
};
