import type { Sql } from "../../engine/timeline/database.ts";
import type { Owner, Schedule } from "./schedule.ts";
import { type Locks, Transaction } from "./store.ts";

type Values = readonly unknown[];

/** What a statement means: its rows, and the locks that it waits for. */
export interface Meaning {
  run(transaction: Transaction, values: Values): readonly unknown[];
  locks?(transaction: Transaction, values: Values): readonly string[];
}

/** What the driver needs to know of the database behind it. */
export interface Database {
  readonly schedule: Schedule;
  readonly locks: Locks;
  meaningOf(text: TemplateStringsArray): Meaning;
  nextXid(): string;
  commit(transaction: Transaction): void;
}

/** A process with a connection to the database. `cut`: what becomes of its next commit. */
export interface Client extends Owner {
  cut: "before" | "after" | undefined;
  readonly open: Set<Transaction>;
}

/** SQLSTATE 25P02: a statement behind one that failed. */
class Aborted extends Error {
  readonly code = "25P02";
}

/** The connection is gone; whether the commit arrived is not known. */
class ConnectionClosed extends Error {
  readonly code = "CONNECTION_CLOSED";
}

/**
 * MODEL of the driver: postgres.js as far as the engine uses it. Statements are sent when they are awaited or executed,
 * and done in the order in which they were sent.
 */
export function connectTo(database: Database, client: Client): Sql {
  const begin = (_options: string, work: (tx: unknown) => Promise<unknown>) => transact(database, client, work);
  const single = async (text: TemplateStringsArray, values: Values) =>
    transact(database, client, async (tx) => (tx as Tag)(text, ...values));
  const tag = tagOf(single);
  return Object.assign(tag, { begin, options: { max: 10 } }) as unknown as Sql;
}

type Tag = (text: TemplateStringsArray, ...values: unknown[]) => Query;

function tagOf(send: (text: TemplateStringsArray, values: Values) => Promise<unknown>) {
  const tag: Tag = (text, ...values) => new Query(text, values, () => send(text, values));
  return Object.assign(tag, { json: same, array: same });
}

function same(value: unknown): unknown {
  return value;
}

/** A statement, or, as a value of another that is never sent by itself, a part of that one. */
export class Query implements PromiseLike<unknown> {
  readonly strings: readonly string[];
  readonly values: Values;
  /** Nothing is ever cancelled here. */
  readonly active = false;
  /** None of it goes as text. */
  readonly options = {};
  /** Sends it; a guard may put itself before. */
  handler: (query: Query) => void;
  #sent: Promise<unknown> | undefined;

  constructor(strings: readonly string[], values: Values, send: () => Promise<unknown>) {
    this.strings = strings;
    this.values = values;
    this.handler = () => {
      this.#sent = send();
    };
  }

  /** A guard asks whether it was ever sent. MODEL: that it is not answered yet is not told. */
  get executed(): boolean {
    return this.#sent !== undefined;
  }

  reject(error: Error): void {
    this.#sent = Promise.reject(error);
    this.#sent.catch(() => {});
  }

  catch(failed: (error: unknown) => unknown): void {
    // Asked for by a guard that is about to send it.
    queueMicrotask(() => void this.#sent?.catch(failed));
  }

  execute(): this {
    // Whoever does not wait for it hears of a failure from the commit.
    this.#promise().catch(() => {});
    return this;
  }

  then<A, B>(
    done?: ((value: unknown) => A | PromiseLike<A>) | null,
    failed?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#promise().then(done, failed) as Promise<A | B>;
  }

  #promise(): Promise<unknown> {
    if (this.#sent === undefined) this.handler(this);
    return this.#sent as unknown as Promise<unknown>;
  }
}

async function transact(database: Database, client: Client, work: (tx: unknown) => Promise<unknown>): Promise<unknown> {
  const { schedule } = database;
  const transaction = new Transaction(database.nextXid());
  client.open.add(transaction);
  const tx = tagOf((text, values) => send(database, client, transaction, text, values));
  try {
    const value = await work(tx);
    await schedule.submit(client, transaction, () => commit(database, client, transaction));
    // The acknowledgement travels too: a process may die between the two.
    await schedule.sleep(client, 0);
    return value;
  } catch (error) {
    if (!client.alive) return new Promise(() => {});
    rollBack(database, client, transaction);
    throw error;
  }
}

function send(
  database: Database,
  client: Client,
  transaction: Transaction,
  text: TemplateStringsArray,
  values: Values,
): Promise<unknown> {
  const meaning = database.meaningOf(text);
  const names = () => meaning.locks?.(transaction, values) ?? [];
  const run = () => {
    if (transaction.failed !== undefined) throw new Aborted("an earlier statement of the transaction has failed");
    database.locks.take(transaction, names());
    try {
      return meaning.run(transaction, values);
    } catch (error) {
      transaction.failed = error as Error;
      throw error;
    }
  };
  const ready = meaning.locks === undefined ? undefined : () => database.locks.areFree(transaction, names());
  return database.schedule.submit(client, transaction, run, ready);
}

function commit(database: Database, client: Client, transaction: Transaction): void {
  const { cut } = client;
  client.cut = undefined;
  if (transaction.failed !== undefined) throw transaction.failed;
  if (cut === "before") throw new ConnectionClosed("the connection was lost before the commit");
  database.commit(transaction);
  end(database, client, transaction);
  if (cut === "after") throw new ConnectionClosed("the connection was lost after the commit");
}

/** Ends a transaction without effect: its process failed, or died. */
export function rollBack(database: Database, client: Client, transaction: Transaction): void {
  if (!transaction.ended) end(database, client, transaction);
}

function end(database: Database, client: Client, transaction: Transaction): void {
  transaction.ended = true;
  database.locks.release(transaction);
  client.open.delete(transaction);
}
