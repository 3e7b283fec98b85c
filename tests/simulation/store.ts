/**
 * MODEL of PostgreSQL: tables in memory under READ COMMITTED transactions. What a transaction writes lies over the tables
 * until it commits and is seen by nobody else; advisory locks are held to its end. Row locks are left out: whoever writes
 * a row of a saga or a step holds that saga's or that step's lock, and a planted bug shows what happens otherwise.
 */

/** One table. Rows are never changed in place. */
export class Table<Row> {
  readonly #rows = new Map<string, Row>();

  /** The row as the transaction sees it. */
  get(transaction: Transaction, key: string): Row | undefined {
    const written = transaction.written(this);
    if (written?.has(key)) return (written.get(key) as Row | null) ?? undefined;
    return this.#rows.get(key);
  }

  put(transaction: Transaction, key: string, row: Row): void {
    transaction.write(this, key, row);
  }

  delete(transaction: Transaction, key: string): void {
    transaction.write(this, key, null);
  }

  /** All rows as the transaction sees them. */
  *seen(transaction: Transaction): Iterable<Row> {
    const written = transaction.written(this);
    for (const [key, row] of this.#rows) if (!written?.has(key)) yield row;
    for (const row of written?.values() ?? []) if (row !== null) yield row as Row;
  }

  /** What is committed, in the order in which the rows came. */
  committed(): ReadonlyMap<string, Row> {
    return this.#rows;
  }

  apply(changes: ReadonlyMap<string, unknown>): void {
    for (const [key, row] of changes) {
      if (row === null) this.#rows.delete(key);
      else this.#rows.set(key, row as Row);
    }
  }
}

/** An open transaction. */
export class Transaction {
  readonly xid: string;
  readonly locks = new Set<string>();
  readonly #changes = new Map<Table<never>, Map<string, unknown>>();
  /** The first statement that failed: what follows fails too, and so does the commit. */
  failed: Error | undefined;
  ended = false;

  constructor(xid: string) {
    this.xid = xid;
  }

  written(table: Table<never> | Table<unknown>): Map<string, unknown> | undefined {
    return this.#changes.get(table as Table<never>);
  }

  write(table: unknown, key: string, row: unknown): void {
    const own = table as Table<never>;
    const changes = this.#changes.get(own) ?? new Map<string, unknown>();
    this.#changes.set(own, changes);
    changes.set(key, row);
  }

  /** What it has written into a table: row by key, null for a row that is gone. */
  changesOf<Row>(table: Table<Row>): ReadonlyMap<string, Row | null> {
    return (this.#changes.get(table as unknown as Table<never>) ?? NOTHING) as ReadonlyMap<string, Row | null>;
  }

  tables(): Iterable<readonly [Table<never>, ReadonlyMap<string, unknown>]> {
    return this.#changes;
  }
}

const NOTHING: ReadonlyMap<string, unknown> = new Map();

/** Advisory locks, and who holds them. */
export class Locks {
  readonly #holders = new Map<string, Transaction>();

  /** Takes all of them, or none when somebody else has one. */
  take(transaction: Transaction, names: readonly string[]): boolean {
    if (!this.areFree(transaction, names)) return false;
    for (const name of names) {
      this.#holders.set(name, transaction);
      transaction.locks.add(name);
    }
    return true;
  }

  areFree(transaction: Transaction, names: readonly string[]): boolean {
    return names.every((name) => {
      const holder = this.#holders.get(name);
      return holder === undefined || holder === transaction;
    });
  }

  release(transaction: Transaction): void {
    for (const name of transaction.locks) if (this.#holders.get(name) === transaction) this.#holders.delete(name);
    transaction.locks.clear();
  }

  get held(): readonly string[] {
    return [...this.#holders.keys()];
  }
}

/** A copy, as a value that went through `jsonb` is one. */
export function copy<T>(value: T): T {
  return value === undefined || value === null ? value : (JSON.parse(JSON.stringify(value)) as T);
}
