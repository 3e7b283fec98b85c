import type { Bound } from "../../core/bound.ts";
import type { AnnouncedRequest, CommittedRequest, HandOver } from "../port.ts";

/** A row on its way; its request comes with the commit. Without one it is read from the table. */
interface Queued {
  readonly messageId: string;
  request?: CommittedRequest;
}

interface Ticket {
  rows: readonly Queued[];
  readonly xid: bigint;
  readonly keys: ReadonlySet<string>;
  state: "open" | "committed" | "abandoned";
  /** Stays until its rows are found by reading the table, behind those of the other process. */
  readsTable: boolean;
  readonly openedAt: number;
}

/** An acknowledgement that takes longer may be lost: its rows are read from the table. */
const ACKNOWLEDGED_WITHIN_MS = 500;
/** Rows that are kept with their bodies; those of further transactions are read from the table in their turn. */
const ROWS_MAX = 10_000;
/** The same in bytes, at most one transaction more. */
const BYTES_MAX = 64 * 1024 * 1024;

function bytesOf({ request }: Queued): number {
  return request?.value.length ?? 0;
}

/**
 * Rows of this process's own transactions, on their way into the topics. Acknowledgements of commits can overtake each
 * other (81 of 18,000 did: reliability R13b), so rows leave in the order in which their transactions announced them,
 * which is the commit order of each key; a key whose earlier transaction is still open waits, the others go on.
 */
export class HandOverQueue {
  readonly #wake: () => void;
  #tickets: Ticket[] = [];
  readonly #held = new Map<string, Ticket>();
  #full = 0;
  #bytes = 0;
  readonly bounds: readonly Bound[] = [
    {
      name: "ekiden_rows_handed_over",
      help: "Committed rows that are on their way into the topics.",
      limit: ROWS_MAX,
      now: () => this.#held.size,
      hits: () => this.#full,
    },
    {
      name: "ekiden_row_bytes_handed_over",
      help: "Bytes of their bodies.",
      limit: BYTES_MAX,
      now: () => this.#bytes,
      hits: () => this.#full,
    },
  ];

  constructor(wake: () => void) {
    this.#wake = wake;
  }

  /** `xid`: the transaction's, as text. */
  open(rows: readonly AnnouncedRequest[], xid: string, behindOthers: boolean): HandOver {
    const full = this.#held.size >= ROWS_MAX || this.#bytes >= BYTES_MAX;
    if (full) this.#full += 1;
    // The ticket stands in the queue all the same: later rows of its keys must not overtake it.
    const ticket: Ticket = {
      rows: rows.map(({ messageId }) => ({ messageId })),
      xid: BigInt(xid),
      keys: new Set(rows.map((row) => row.key)),
      state: "open",
      readsTable: behindOthers || full,
      openedAt: performance.now(),
    };
    this.#tickets.push(ticket);
    for (const row of ticket.rows) this.#held.set(row.messageId, ticket);
    return {
      committed: (requests) => {
        this.#bring(ticket, requests);
        ticket.state = "committed";
        this.#wake();
      },
      abandoned: () => {
        ticket.state = "abandoned";
        this.#wake();
      },
    };
  }

  /** A ticket that lacks one of its rows must not leave without it: all of them are read from the table. */
  #bring(ticket: Ticket, requests: readonly CommittedRequest[]): void {
    const byId = new Map(requests.map((request) => [request.messageId, request]));
    if (ticket.rows.some(({ messageId }) => !byId.has(messageId))) ticket.readsTable = true;
    if (ticket.readsTable) return;
    for (const row of ticket.rows) {
      // Found by reading the table meanwhile: it is on its way already.
      if (this.#held.get(row.messageId) !== ticket) continue;
      row.request = byId.get(row.messageId) as CommittedRequest;
      this.#bytes += bytesOf(row);
    }
  }

  /** Whether a row will be taken from here, so that nobody needs to read it from the table. */
  brings(messageId: string): boolean {
    const ticket = this.#held.get(messageId);
    if (ticket === undefined || ticket.readsTable || ticket.state === "abandoned") return false;
    return ticket.state === "committed" || performance.now() - ticket.openedAt < ACKNOWLEDGED_WITHIN_MS;
  }

  /** Takes the rows that may go now, up to about `max`. */
  take(max: number): CommittedRequest[] {
    const rows: CommittedRequest[] = [];
    const kept: Ticket[] = [];
    const blocked = new Set<string>();
    for (const ticket of this.#tickets) {
      const waits =
        rows.length >= max ||
        ticket.state !== "committed" ||
        ticket.readsTable ||
        [...ticket.keys].some((key) => blocked.has(key));
      if (waits) {
        kept.push(ticket);
        for (const key of ticket.keys) blocked.add(key);
      } else {
        for (const { request } of ticket.rows) if (request !== undefined) rows.push(request);
        this.#release(ticket.rows);
      }
    }
    this.#tickets = kept;
    return rows;
  }

  /** Forgets rows that were found by reading the table: their commit is known to the database before it is to us. */
  forget(messageIds: ReadonlySet<string>): void {
    for (const ticket of this.#tickets) {
      this.#release(ticket.rows.filter((row) => messageIds.has(row.messageId)));
      ticket.rows = ticket.rows.filter((row) => !messageIds.has(row.messageId));
    }
    this.#tickets = this.#tickets.filter((ticket) => ticket.rows.length > 0);
  }

  /**
   * Every row of a transaction before `horizon` lies in the topics now. A transaction that was abandoned before it has
   * left nothing behind: until this is known, later rows of its keys must wait, since its commit may only have gone
   * unheard. The same goes for rows that are read from the table: one that was announced and not written is never found.
   * True: some need not wait any more.
   */
  settled(horizon: bigint): boolean {
    const over = ({ state, readsTable, xid }: Ticket) =>
      (state === "abandoned" || (state === "committed" && readsTable)) && xid < horizon;
    const before = this.#tickets.length;
    for (const ticket of this.#tickets) if (over(ticket)) this.#release(ticket.rows);
    this.#tickets = this.#tickets.filter((ticket) => !over(ticket));
    return this.#tickets.length < before;
  }

  /** Forgets everything: another process owns the transport and reads the table itself. */
  clear(): void {
    this.#tickets = [];
    this.#held.clear();
    this.#bytes = 0;
  }

  #release(rows: readonly Queued[]): void {
    for (const row of rows) {
      if (this.#held.delete(row.messageId)) this.#bytes -= bytesOf(row);
    }
  }
}
