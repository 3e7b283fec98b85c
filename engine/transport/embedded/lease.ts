import { failpoint } from "../../failpoint.ts";
import { untilPulse } from "../../pause.ts";
import type { Sql } from "../../timeline/database.ts";
import type { LeaseKeeper } from "./lease-keeper.ts";
import { LEASE_MS, OUTBOX_CHANNEL, renewLease, STUCK_AFTER_MS } from "./lease-renewal.ts";
import { OwnershipChanges } from "./ownership-changes.ts";

/** How often an owner renews it, whatever else it does meanwhile. */
const RENEW_MS = 1_000;
/** How long a new owner waits for transactions of the former one to end. Shorter than the lease, which it must renew. */
const CLEAR_MS = 2_000;
const LOOK_AGAIN_MS = 20;

/** What is told of a lease. */
type LeaseWatch = Pick<LeaseKeeper, "held" | "renewed" | "cameRound" | "lost">;

/** The lease was lost: nothing was written. */
export class LeaseLost extends Error {
  constructor() {
    super("another process owns the embedded transport");
  }
}

/**
 * The right to be the transport: one process at a time orders the outbox into topics and consumes. A lease row with an
 * epoch; every write of the owner checks the epoch, so that one that was stopped and woken up writes nothing.
 */
export class Lease {
  readonly #sql: Sql;
  /** Host, pid and a random part; also the application name of a connection that lives as long as the process. */
  readonly owner: string;
  readonly changes = new OwnershipChanges();
  readonly #keeper: LeaseWatch | undefined;
  #epoch = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** What the last renewal came to, when it was not well. */
  #trouble: { readonly error: unknown } | undefined;
  #cameRoundAt = 0;
  /** Every group's row says who the owner is. */
  #isShown = false;
  /** The owner has nothing to do. */
  #idle = false;
  /** The last renewal has asked writers to tell. */
  #asked = false;
  #resting = false;

  /** `keeper`: renews the lease while the event loop cannot. */
  constructor(sql: Sql, owner: string, keeper?: LeaseWatch) {
    this.#sql = sql;
    this.owner = owner;
    this.#keeper = keeper;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /**
   * The owner has nothing to do, or has again. While it has not, it is told of rows that others write, and need not look
   * for them: `resting` says since when.
   */
  set idle(idle: boolean) {
    this.#idle = idle;
    if (idle || !this.#asked) return;
    // At once: until then transactions notify, and commit one after another.
    this.#resting = false;
    this.#renewIn(0);
  }

  /** Whoever commits a row of the outbox from now on tells the connection of this lease. */
  get resting(): boolean {
    return this.#resting;
  }

  /** Takes a lease that is free: given back, run out, or its owner's connection is gone. */
  async acquire(): Promise<boolean> {
    const [row] = await this.#sql<{ epoch: number; former: string | null }[]>`
      with former as (select f.owner from timeline.topic_log_position f where f.id = 1)
      update timeline.topic_log_position p set owner = ${this.owner}, owner_epoch = p.owner_epoch + 1,
        owner_until = clock_timestamp() + ${LEASE_MS} * interval '1 millisecond'
      from former
      where p.id = 1 and (p.owner is null or p.owner = ${this.owner} or p.owner_until < clock_timestamp() or not exists (
        select from pg_stat_activity a where a.datname = current_database() and a.application_name = left('ekiden ' || p.owner, 63)))
      returning p.owner_epoch as epoch, former.owner as former
    `;
    if (row === undefined) return false;
    this.#epoch = row.epoch;
    this.changes.note(row.epoch);
    this.#trouble = undefined;
    this.#cameRoundAt = performance.now();
    this.#keeper?.held(row.epoch);
    this.#renewIn(untilPulse(RENEW_MS));
    failpoint("lease", "after-claim");
    await this.#endFormer(row.former);
    await this.#showOwner();
    return true;
  }

  /**
   * Ends what the former owner has open: it may be stopped in the middle of a batch, and must not commit it when it wakes
   * up. Transactions that it begins later see the new epoch.
   */
  async #endFormer(former: string | null): Promise<void> {
    const others = former === null || former === this.owner ? "" : processOf(former);
    const until = performance.now() + CLEAR_MS;
    for (;;) {
      const [row] = await this.#sql<{ open: number }[]>`
        select timeline.end_former_owner(${this.#epoch}, ${others}) as open
      `;
      if (row?.open === 0) return;
      if (performance.now() > until) throw new Error(`${row?.open} transactions of the former owner do not end`);
      await Bun.sleep(LOOK_AGAIN_MS);
    }
  }

  /**
   * To be called by the owner each time it comes round.
   * @throws LeaseLost, or why the lease could not be renewed
   */
  check(): void {
    this.#cameRoundAt = performance.now();
    this.#keeper?.cameRound();
    const trouble = this.#trouble;
    this.#trouble = undefined;
    if (trouble !== undefined) throw trouble.error;
  }

  /** By a clock of its own: a look at the outbox may take longer than the lease. */
  #renewIn(ms: number): void {
    clearTimeout(this.#timer);
    const epoch = this.#epoch;
    this.#timer = setTimeout(async () => {
      let trouble: { readonly error: unknown } | undefined;
      try {
        // It runs out, and nobody tells any more.
        if (performance.now() - this.#cameRoundAt >= STUCK_AFTER_MS) this.#asked = false;
        else if (await this.#renew(epoch)) {
          this.#keeper?.renewed();
          if (!this.#isShown) await this.#showOwner();
        } else trouble = { error: new LeaseLost() };
      } catch (error) {
        trouble = { error };
      }
      // Lost, given back or taken anew meanwhile.
      if (epoch !== this.#epoch) return;
      this.#trouble = trouble ?? this.#trouble;
      this.#renewIn(this.#asked && !this.#idle ? 0 : untilPulse(RENEW_MS));
    }, ms);
  }

  /** A connection that was replaced does not listen: the owner rests again from the next renewal on. */
  async #renew(epoch: number): Promise<boolean> {
    const rest = this.#idle;
    this.#asked = rest;
    const renewal = await renewLease(this.#sql, this.owner, epoch, rest);
    if (rest && renewal?.listens === false) await this.#sql.unsafe(`listen ${OUTBOX_CHANNEL}`);
    this.#resting = rest && this.#idle && renewal?.listens === true;
    return renewal !== undefined;
  }

  /** Gives the lease back at a clean stop. */
  async release(): Promise<void> {
    const epoch = this.#epoch;
    if (epoch === 0) return;
    this.lose();
    await this.#sql`
      update timeline.topic_log_position set owner = null, owner_until = null
      where id = 1 and owner = ${this.owner} and owner_epoch = ${epoch}
    `;
  }

  /** Forgets a lease that is lost. */
  lose(): void {
    clearTimeout(this.#timer);
    this.#keeper?.lost();
    this.#epoch = 0;
    this.#asked = false;
    this.#resting = false;
  }

  /**
   * In the groups' rows, for people. Of those that are held it is made up for at the next renewal: whoever starts a saga
   * holds the dispatcher's until it has ended, and the lease would run out meanwhile.
   */
  async #showOwner(): Promise<void> {
    const [row] = await this.#sql<{ left: number }[]>`
      with free as (
        select g.consumer_group from timeline.consumer_group g where g.owner_epoch < ${this.#epoch}
        order by g.consumer_group for update skip locked
      ), shown as (
        update timeline.consumer_group g set owner = ${this.owner}, owner_epoch = ${this.#epoch}
        from free where g.consumer_group = free.consumer_group returning g.consumer_group
      )
      select ((select count(*) from timeline.consumer_group g where g.owner_epoch < ${this.#epoch})
        - (select count(*) from shown))::integer as left
    `;
    this.#isShown = row?.left === 0;
  }
}

/** The process that owns the transport now, without its random part; null: none does. */
export async function readOwner(sql: Sql): Promise<string | null> {
  const [row] = await sql<{ owner: string }[]>`
    select owner from timeline.topic_log_position where id = 1 and owner_until > clock_timestamp()
  `;
  return row === undefined ? null : row.owner.slice(0, row.owner.lastIndexOf("/"));
}

/** The sign of a process: the last part of an owner's name, and of the application name of its connections. */
function processOf(owner: string): string {
  return owner.slice(owner.lastIndexOf("/") + 1);
}
