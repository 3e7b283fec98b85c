import postgres, { type PendingQuery, type Sql as PostgresSql, type TransactionSql } from "postgres";
import type { Bound } from "../core/bound.ts";
import { EngineError } from "../core/error.ts";
import { type DatabaseTls, takeTls } from "./database-tls.ts";

/** A pool of connections. `bigint` comes as a number: offsets and counters fit. */
export type Sql = PostgresSql<{ bigint: number }>;
/** One open transaction. */
export type Tx = TransactionSql<{ bigint: number }>;
/** A statement that is made and not sent yet; `R`: its rows. */
export type Statement<R> = PendingQuery<(R & postgres.Row)[]>;
/** A statement of which nothing is to be read. */
export interface Write {
  execute(): unknown;
}

/** SQLSTATE classes (and a lock or a pause that lasted too long) that say nothing about the message itself: it is redelivered, no attempt is counted (design S3). */
const NO_OUTCOME = /^(08|40|53|57)|^55P03$|^25P0[34]$/;
/** A password that was changed or has expired, a role that may not log in, a rule of pg_hba.conf, a database that takes no sessions or is away. */
const REFUSED_LOGIN = /^28|^3D000$|^42501$|^55000$/;
const LOST_CONNECTION = /^(CONNECTION_|CONNECT_TIMEOUT|ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND)/;

export interface PoolOptions {
  readonly max: number;
  /** Shown in pg_stat_activity. */
  readonly name: string;
  /** Sign of the engine process, the last word of the name: a next owner of the embedded transport finds it by that. */
  readonly process?: string | undefined;
  /** Longest statement of the engine's own, milliseconds; 0: as long as it takes. */
  readonly statementTimeoutMs?: number;
  /**
   * For sessions that handlers use: their longest statement, and the longest pause of their transactions, milliseconds.
   * Each handler's own bound is its step's (`guardTx`).
   */
  readonly handlerMs?: number;
  /** `off` for what a later commit makes durable anyway. */
  readonly synchronousCommit?: "on" | "off";
  /** Told when a connection is notified on a channel that it listens to. */
  readonly notified?: () => void;
  /**
   * `index`: no plan that reads or joins whole tables. For sessions that repeat the same statements for ever: the plan
   * that suited an empty history is kept when the history has grown. `fixed`: besides, each statement is planned once and
   * for any number of rows; for a batch of one the planner else takes a plan of its own to be cheaper, and makes it anew
   * each time.
   */
  readonly plans?: "index" | "fixed";
}

const INDEX_PLANS = { enable_seqscan: "off", enable_hashjoin: "off", enable_mergejoin: "off", enable_material: "off" };

/** How much longer than a statement may take its answer may stay away, milliseconds. */
export const ANSWER_MARGIN_MS = 3_000;
/** How long a cancelled statement may take to end, milliseconds. */
const CANCEL_MS = 10_000;
const IDLE_TRANSACTION_MS = 60_000;
const RECONNECT_MAX_S = 1;

/**
 * How a server notices that a client is gone without a word, and lets go of its locks. Seconds, but for the last: what
 * was sent and never acknowledged, milliseconds.
 */
const SERVER_WATCH = {
  tcp_keepalives_idle: 15,
  tcp_keepalives_interval: 5,
  tcp_keepalives_count: 3,
  tcp_user_timeout: 30_000,
};

/** Since PostgreSQL 17. */
const TRANSACTION_TIMEOUT_SINCE = 17;
/** A bound of 0, none. As a text: a number 0 the driver leaves out, and what the database or the role is set to would hold. */
const NO_BOUND = "0" as unknown as number;
/** No bound on whole transactions: each statement, wait and pause of them has its own, and a handler its step's. */
const LONG_TRANSACTIONS = { transaction_timeout: NO_BOUND };
/** Servers that know `transaction_timeout`. An older one refuses a login that names it, so that the first connection does not. */
const longTransactions = new Set<string>();

/**
 * Opens a pool. Every statement, lock wait and idle transaction has a bound on the server, and every call one here: a
 * server that is silent sends no timeout either (reliability R10).
 */
export function connect(url: string, options: PoolOptions): Sql {
  const statementMs = options.statementTimeoutMs ?? 60_000;
  const { address, socket, ssl } = addressOf(url);
  const server = socket ?? new URL(address).host;
  const sql: Sql = postgres(address, {
    ...(socket === undefined ? {} : { host: socket }),
    ...(ssl === undefined ? {} : { ssl }),
    max: options.max,
    idle_timeout: 0,
    max_lifetime: null,
    connect_timeout: 10,
    backoff: (retries: number) => (0.5 + Math.random() / 2) * Math.min(3 ** retries / 100, RECONNECT_MAX_S),
    ...deadlines(statementMs === 0 ? 0 : statementMs + ANSWER_MARGIN_MS, options.handlerMs ?? 0),
    onnotice: () => {},
    ...(options.notified === undefined ? {} : { onnotify: options.notified }),
    onparameter: (name, value) => {
      if (name !== "server_version" || Number.parseInt(value, 10) < TRANSACTION_TIMEOUT_SINCE) return;
      longTransactions.add(server);
      Object.assign(sql.options.connection, LONG_TRANSACTIONS);
    },
    types: { bigint: { to: 20, from: [20], parse: Number, serialize: String } },
    connection: {
      application_name: applicationName(options),
      statement_timeout: (options.handlerMs ?? statementMs) || NO_BOUND,
      lock_timeout: 30_000,
      idle_in_transaction_session_timeout: options.handlerMs ?? IDLE_TRANSACTION_MS,
      // A pool keeps its connections: one that the server ends while it is idle costs the statement that comes next.
      idle_session_timeout: NO_BOUND,
      ...(longTransactions.has(server) ? LONG_TRANSACTIONS : {}),
      ...SERVER_WATCH,
      // Each committed row is promised to someone; a per-database `off` must not reach the engine.
      synchronous_commit: options.synchronousCommit ?? "on",
      ...(options.plans === undefined ? {} : INDEX_PLANS),
      ...(options.plans === "fixed" ? { plan_cache_mode: "force_generic_plan" } : {}),
    },
  });
  return sql;
}

/** A connection that asks for nothing at its login: it has what the server, the database and the role give to every session. */
export function connectPlain(url: string, name: string): Sql {
  const { address, socket, ssl } = addressOf(url);
  return postgres(address, {
    ...(socket === undefined ? {} : { host: socket }),
    ...(ssl === undefined ? {} : { ssl }),
    max: 1,
    connect_timeout: 10,
    fetch_types: false,
    ...deadlines(CANCEL_MS, 0),
    onnotice: () => {},
    types: { bigint: { to: 20, from: [20], parse: Number, serialize: String } },
    connection: { application_name: applicationName({ name, max: 1 }) },
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

/**
 * Deadlines of the patched driver (`patches/`), milliseconds; with `answerMs` 0 it has none. A statement without an answer costs its connection: its
 * outcome is unknown, the error says `CONNECTION_SILENT`, and the message is claimed again. A statement that waits for
 * a free connection waits as long as those who hold one may take.
 */
function deadlines(answerMs: number, handlerMs: number) {
  return { answerMs, queueMs: Math.max(answerMs, handlerMs), cancelMs: CANCEL_MS };
}

/** A URL as libpq has it, whose `host` parameter may name the folder of the server's Unix socket; the driver knows no such. */
function addressOf(url: string): { readonly address: string; readonly socket?: string; readonly ssl: DatabaseTls } {
  const parsed = new URL(url);
  const ssl = takeTls(parsed);
  const host = parsed.searchParams.get("host");
  if (host === null || !host.startsWith("/")) return { address: parsed.href, ssl };
  parsed.searchParams.delete("host");
  return { address: parsed.href, socket: host, ssl };
}

function applicationName({ name, process }: PoolOptions): string {
  const last = process === undefined ? "" : ` ${process}`;
  return `ekiden ${name}`.slice(0, 63 - last.length) + last;
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

/** What to do where the server answers and lets nobody in; undefined: it does not answer. */
function loginHint(reason: string, error: unknown): string | undefined {
  if (errorCode(error) === "53300")
    return "It takes no further connection: `select usename, application_name, count(*) from pg_stat_activity group by 1, 2` says who holds them; raise max_connections, or the role's own limit (`alter role … connection limit`).";
  if (isRefusedLogin(error))
    return "The server answers and refuses this login: look at user, password, `valid until` and login right of the role, and at pg_hba.conf.";
  if (reason.startsWith("unsupported startup parameter"))
    return "A pooler stands in between, and keeps sessions from having what the engine needs: let DATABASE_URL name PostgreSQL itself.";
  if (reason.startsWith("unrecognized configuration parameter"))
    return `Ekiden needs PostgreSQL ${OLDEST_VERSION} or newer: this server is older, or another one.`;
  return undefined;
}

/** Asks the database one question, so that a wrong address is one sentence and not a trace. @throws DatabaseError */
export async function reachDatabase(
  sql: Sql,
  url: string,
  hint = "Check DATABASE_URL, and that the server runs.",
): Promise<void> {
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
    const told = loginHint(reason, error);
    const what = told === undefined ? "does not answer" : "lets nobody in";
    throw new DatabaseError(`PostgreSQL at ${where} ${what}: ${reason}`, told ?? hint, error);
  }
  if (version < OLDEST_VERSION) {
    throw new DatabaseError(
      `PostgreSQL at ${where} is version ${version}`,
      `Ekiden needs version ${OLDEST_VERSION} or newer.`,
    );
  }
}

/** True when an error is none of the message's fault: connection lost or refused, deadlock, out of resources, shut down. */
export function isNoOutcome(error: unknown): boolean {
  const code = errorCode(error);
  return code !== undefined && (NO_OUTCOME.test(code) || LOST_CONNECTION.test(code) || isRefusedLogin(error));
}

/**
 * PostgreSQL lets no session of this login begin, so that nothing was executed. A function of the business may raise the
 * same codes, but no error that ends the session.
 */
export function isRefusedLogin(error: unknown): boolean {
  const ends = typeof error === "object" && error !== null && "severity" in error && error.severity === "FATAL";
  return ends && REFUSED_LOGIN.test(errorCode(error) ?? "");
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
