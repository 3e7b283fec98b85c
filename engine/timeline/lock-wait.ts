import type { Sql, Tx } from "./database.ts";
import { harmlessMs } from "./hold-tables.ts";
import { holdersOf, holdersText, type Wanted, wayOut } from "./lock-holders.ts";

/** Hears a sentence for whoever looks at a start. */
export type Say = (line: string) => void;

/** How long something is tried again while transactions of others are in its way. */
export const IN_THE_WAY_MAX_MS = 300_000;
/** How long only tries are made that cannot end a transaction of an engine. Later ones wait longer, each than the one before. */
const HARMLESS_FOR_MS = 20_000;
const WAIT_MAX_MS = 10_000;
const WAIT_GROWTH = 1.5;
/** A shorter wait is not worth a word. */
const SAY_AFTER_MS = 3_000;
const SAY_EVERY_MS = 30_000;

/** What needs something that others hold: it waits in short tries, and says so now and again. */
export class LockWait {
  readonly #sql: Sql;
  readonly #what: string;
  readonly #withinMs: number;
  readonly #say: Say;
  readonly #madeAt = performance.now();
  #sayAt = this.#madeAt + SAY_AFTER_MS;
  #said = false;
  #since: number | undefined;
  #waitMs: number | undefined;

  /** `what`: the first words of a sentence. `withinMs`: how long it is tried again, from `begin` on. */
  constructor(sql: Sql, what: string, withinMs: number, say: Say) {
    this.#sql = sql;
    this.#what = what;
    this.#withinMs = withinMs;
    this.#say = say;
  }

  /** From the first time on that nothing but those others is in its way. */
  begin(): void {
    this.#since ??= performance.now();
  }

  /** How long a try may wait that begins now. */
  async boundOfTry(tx: Tx): Promise<number> {
    this.#waitMs ??= await harmlessMs(tx);
    return this.#waitMs;
  }

  /** After a try that did not get what it needs: pauses. False: its time is over. */
  async again(wanted: Wanted, needed: string): Promise<boolean> {
    const waitMs = this.#waitMs;
    if (this.#since === undefined || waitMs === undefined) return false;
    const lastedMs = performance.now() - this.#since;
    if (lastedMs >= this.#withinMs) return false;
    await this.tell(wanted, needed, ` It is tried again for ${seconds(this.#withinMs - lastedMs)}.`);
    if (lastedMs >= HARMLESS_FOR_MS) this.#waitMs = Math.min(WAIT_MAX_MS, waitMs * WAIT_GROWTH);
    await Bun.sleep(waitMs * (0.5 + Math.random()));
    return true;
  }

  /** Says what is waited for, when it is time to. */
  async tell(wanted: Wanted, needed: string, more = ""): Promise<void> {
    const now = performance.now();
    if (now < this.#sayAt) return;
    this.#sayAt = now + SAY_EVERY_MS;
    this.#said = true;
    const holders = await holdersOf(this.#sql, wanted);
    const held = holders.length === 0 ? "which nobody holds at this moment" : `held by ${holdersText(holders)}`;
    this.#say(
      `${this.#what} has waited ${seconds(now - this.#madeAt)} for ${needed}, ${held}.${more} ${wayOut(holders)}`,
    );
  }

  /** It came through. */
  end(): void {
    if (this.#said) this.#say(`${this.#what} waits no longer: done after ${seconds(performance.now() - this.#madeAt)}`);
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`;
}
