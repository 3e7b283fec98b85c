import type { Bound } from "../../core/bound.ts";
import type { CommittedRequest, Delivery } from "../port.ts";

/** Rows that are kept until they come; the oldest go first. */
const ROWS_MAX = 10_000;
/** The same in bytes of their bodies. */
const BYTES_MAX = 16 * 1024 * 1024;
/** What comes later is looked up: the database may have been put back to a day before. */
const KNOWN_MS = 10_000;

/** A row, and when it was committed. */
interface Own {
  readonly row: CommittedRequest;
  readonly at: number;
}

/**
 * What this process has committed lately and not consumed yet. A message that comes from Kafka as it was written here is
 * this process's own (`Delivery.own`): nobody else can have sent these words under this id, so they need not be looked up.
 * Only the first time: what comes again is no longer here.
 */
export class OwnRequests {
  readonly #now: () => number;
  readonly #rows = new Map<string, Own>();
  #bytes = 0;
  #dropped = 0;
  readonly bounds: readonly Bound[] = [
    {
      name: "ekiden_own_rows",
      help: "Rows that this process has written and not consumed yet.",
      limit: ROWS_MAX,
      now: () => this.#rows.size,
      hits: () => this.#dropped,
    },
    {
      name: "ekiden_own_row_bytes",
      help: "Bytes of their bodies.",
      limit: BYTES_MAX,
      now: () => this.#bytes,
      hits: () => this.#dropped,
    },
  ];

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  add(rows: readonly CommittedRequest[]): void {
    const at = this.#now();
    for (const row of rows) {
      this.#rows.set(row.messageId, { row, at });
      this.#bytes += row.value.length;
    }
    for (const own of this.#rows.values()) {
      const isFull = this.#rows.size > ROWS_MAX || this.#bytes > BYTES_MAX;
      if (!isFull && at - own.at <= KNOWN_MS) return;
      this.#remove(own.row);
      if (isFull) this.#dropped += 1;
    }
  }

  /** The delivery, marked if it is what was written. */
  claim(delivery: Delivery): Delivery {
    const own = this.#rows.get(delivery.headers["id"] ?? "");
    if (own === undefined) return delivery;
    const { row, at } = own;
    this.#remove(row);
    const { topic, key, value } = delivery;
    const isSame = row.topic === topic && row.key === key && row.value === value && this.#now() - at <= KNOWN_MS;
    // The headers that count are those that were written, whatever came with the copy.
    return isSame ? { ...delivery, headers: row.headers, own: true } : delivery;
  }

  #remove(row: CommittedRequest): void {
    this.#rows.delete(row.messageId);
    this.#bytes -= row.value.length;
  }
}
