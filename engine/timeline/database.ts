import postgres, { type Sql as PostgresSql, type TransactionSql } from "postgres";
import type { Bound } from "../core/bound.ts";
import { EngineError } from "../core/error.ts";

/** A pool of connections. `bigint` comes as a number: offsets and counters fit. */
export type Sql = PostgresSql<{ bigint: number }>;
/** One open transaction. */
export type Tx = TransactionSql<{ bigint: number }>;

/** SQLSTATE classes that say nothing about the message itself: it is redelivered, no attempt is counted (design S3). */
const NO_OUTCOME = /^(08|40|53|57)|^55P03$/;
const LOST_CONNECTION = /^(CONNECTION_|CONNECT_TIMEOUT|ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND)/;

export interface PoolOptions {
  readonly max: number;
  /** Shown in pg_stat_activity. */
  readonly name: string;
  /** Longest statement, milliseconds. */
  readonly statementTimeoutMs?: number;
  /** Longest pause of an open transaction, milliseconds. */
  readonly idleTransactionMs?: number;
  /** `off` for what a later commit makes durable anyway. */
  readonly synchronousCommit?: "on" | "off";
  /**
   * `index`: no plan that reads or joins whole tables. For sessions that repeat the same statements for ever: the plan
   * that suited an empty history is kept when the history has grown.
   */
  readonly plans?: "index";
}

const INDEX_PLANS = { enable_seqscan: "off", enable_hashjoin: "off", enable_mergejoin: "off", enable_material: "off" };

/** Opens a pool. Every statement, lock wait and idle transaction has a bound on the server (reliability R10). */
export function connect(url: string, options: PoolOptions): Sql {
  return postgres(url, {
    max: options.max,
    idle_timeout: 0,
    max_lifetime: null,
    connect_timeout: 10,
    onnotice: () => {},
    types: { bigint: { to: 20, from: [20], parse: Number, serialize: String } },
    connection: {
      application_name: `ekiden ${options.name}`.slice(0, 63),
      statement_timeout: options.statementTimeoutMs ?? 60_000,
      lock_timeout: 30_000,
      idle_in_transaction_session_timeout: options.idleTransactionMs ?? 120_000,
      // Each committed row is promised to someone; a per-database `off` must not reach the engine.
      synchronous_commit: options.synchronousCommit ?? "on",
      ...(options.plans === "index" ? INDEX_PLANS : {}),
    },
  });
}

const transactions = new WeakMap<Sql, { open: number }>();

/** Counts a transaction of a pool while it is open. */
export async function counted<T>(sql: Sql, work: () => Promise<T>): Promise<T> {
  const count = transactions.get(sql) ?? { open: 0 };
  transactions.set(sql, count);
  count.open += 1;
  try {
    return await work();
  } finally {
    count.open -= 1;
  }
}

/** A pool as a bound: transactions that are open or wait for a connection, and its connections. */
export function poolBound(sql: Sql, pool: string): Bound {
  return {
    name: "ekiden_pool_transactions",
    labels: { pool },
    help: "Transactions that are open or wait for one of the pool's connections.",
    limit: sql.options.max,
    now: () => transactions.get(sql)?.open ?? 0,
    hits: () => 0,
  };
}

/** PostgreSQL does not answer, refuses the login, or is too old. */
class DatabaseError extends EngineError {
  readonly code = "database.unreachable";
  readonly hint: string;

  constructor(message: string, hint: string, cause?: unknown) {
    super(message, { cause });
    this.hint = hint;
  }
}

const OLDEST_VERSION = 15;

/** Asks the database one question, so that a wrong address is one sentence and not a trace. @throws DatabaseError */
export async function reachDatabase(sql: Sql, url: string): Promise<void> {
  const { host, pathname } = new URL(url);
  const where = `${host}${pathname}`;
  let version: number;
  try {
    const [row] = await sql<
      { version: number }[]
    >`select current_setting('server_version_num')::integer / 10000 as version`;
    version = row?.version ?? 0;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DatabaseError(
      `PostgreSQL at ${where} does not answer: ${reason}`,
      "Check DATABASE_URL, and that the server runs.",
      error,
    );
  }
  if (version < OLDEST_VERSION) {
    throw new DatabaseError(
      `PostgreSQL at ${where} is version ${version}`,
      `Ekiden needs version ${OLDEST_VERSION} or newer.`,
    );
  }
}

/** True when an error is none of the message's fault: connection lost, deadlock, out of resources, shut down. */
export function isNoOutcome(error: unknown): boolean {
  if (typeof error !== "object" || error === null || !("code" in error)) return false;
  const code = String(error.code);
  return NO_OUTCOME.test(code) || LOST_CONNECTION.test(code);
}

/** The SQLSTATE or client code of an error, if it has one. */
export function errorCode(error: unknown): string | undefined {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : undefined;
}

/**
 * Statements of one transaction that are sent without waiting for each other. Unlike `Promise.all` it settles only when
 * all of them have: a transaction must not be rolled back while something still sends statements on its connection,
 * which would run outside of it.
 * @throws the first failure, in the order of the list.
 */
export async function together<T extends readonly unknown[] | []>(
  work: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(work);
  return Promise.all(work);
}
