import postgres, { type Sql as PostgresSql, type TransactionSql } from "postgres";

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
  /** `off` for what a later commit makes durable anyway. */
  readonly synchronousCommit?: "on" | "off";
}

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
      idle_in_transaction_session_timeout: 120_000,
      // Each committed row is promised to someone; a per-database `off` must not reach the engine.
      synchronous_commit: options.synchronousCommit ?? "on",
    },
  });
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
