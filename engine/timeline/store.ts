import type { AnnouncedRequest, CommittedRequest, HandOver } from "../transport/port.ts";
import type { Json, JsonObject } from "../core/json.ts";
import { failpoint, type WritingLoop } from "../failpoint.ts";
import { counted, type Sql, type Statement, type Tx, type Write } from "./database.ts";
import { fenced } from "./fenced.ts";
import { type GuardedTx, guardTx } from "./guarded-tx.ts";
import { wireOf, type WrittenRow } from "./wire.ts";

/** A row to write into `timeline.event_request`. */
export interface NewRequest {
  readonly messageId: string;
  readonly correlationId: string;
  readonly causationId: string | null;
  readonly topic: string;
  readonly messageType: string;
  readonly saga: string | null;
  readonly stepKey: string | null;
  readonly action: string | null;
  readonly attempt: number | null;
  readonly traceparent: string | null;
  readonly messageHeaders: JsonObject | null;
  readonly messageBody: Json;
}

/** One transaction and the requests that it will write last (reliability R6: lock, claim, work, requests). */
export interface Unit {
  readonly tx: Tx;
  request(row: NewRequest): void;
  /** Sends statements of which nothing is to be read. They are not waited for: when one fails, so does the commit. */
  send(writes: readonly Write[]): void;
  /** As `send`, for a statement that writes requests: what it writes, and how they are made of its result. */
  sendWriting<R>(
    announced: readonly AnnouncedRequest[],
    statement: Statement<R>,
    rowsOf: (result: readonly R[]) => readonly CommittedRequest[],
  ): void;
  /** Rows that a SQL function has written already and that are to be handed over with the commit. */
  written(rows: readonly CommittedRequest[]): void;
  /** Rows of another process for the same saga may still be on their way: these must queue behind them. */
  behindOthers(): void;
  /** What is to be remembered once the transaction has committed; `xid`: its id. */
  committed(remember: (xid: string) => void): void;
}

/** What a room needs to write events: a pool, its name as producer, and the hand-over of the transport. */
export interface Store {
  readonly sql: Sql;
  /** Who: role and host. */
  readonly producer: string;
  /** Whose transactions these are, where failpoints are passed. */
  readonly loop?: WritingLoop;
  /** The owner epoch that this room's transactions are held to; absent or null: it writes whoever owns the transport. */
  ownerEpoch?(): number | null;
  /** Whether this process hands its rows over in memory now, so that those of another process may have to be waited for. */
  handsOver?(): boolean;
  handOver(rows: readonly AnnouncedRequest[], xid: string, behindOthers: boolean): HandOver;
}

/**
 * Runs `work` in one READ COMMITTED transaction, writes its requests last, and hands them over after the commit. What
 * `work` sends without waiting, the requests and the commit travel together. The hand-over is opened while the
 * transaction still holds its locks, so that its order is the commit order.
 */
export function transact<T>(store: Store, work: (unit: Unit) => Promise<T>, sql: Sql = store.sql): Promise<T> {
  return counted(sql, () => transactNow(store, sql, (unit, epoch) => fenced(unit.tx, epoch, () => work(unit))));
}

/** What work that opens its transaction itself returns besides its result: the transaction's id. */
export interface OpenedResult<T> {
  readonly xid: string;
  readonly value: T;
}

/**
 * As `transact`, for work whose first statement fences, locks and says the transaction's id: three statements in one.
 * `epoch`: what it is to be fenced by; null: nothing.
 */
export function transactOpening<T>(
  store: Store,
  work: (unit: Unit, epoch: number | null) => Promise<OpenedResult<T>>,
  sql: Sql = store.sql,
): Promise<T> {
  return counted(sql, () => transactNow(store, sql, work));
}

async function transactNow<T>(
  store: Store,
  sql: Sql,
  work: (unit: Unit, epoch: number | null) => Promise<OpenedResult<T>>,
): Promise<T> {
  let handOver: HandOver | undefined;
  let guarded: GuardedTx | undefined;
  // Taken now and not when there is a connection: it belongs to the messages that the work is about.
  const epoch = store.ownerEpoch?.() ?? null;
  try {
    const result = await sql.begin("isolation level read committed", async (raw) => {
      guarded = guardTx(raw);
      const writing = new Writing(guarded.tx, store.producer);
      const { xid, value } = await work(writing, epoch);
      writing.sendRequests();
      const { announced } = writing;
      if (store.loop !== undefined) failpoint(store.loop, "after-requests");
      if (announced.length > 0) handOver = store.handOver(announced, xid, writing.isBehindOthers);
      return { xid, value, writing };
    });
    const { xid, value, writing } = result as { xid: string; value: T; writing: Writing };
    if (store.loop !== undefined) failpoint(store.loop, "after-commit");
    for (const remember of writing.memories) remember(xid);
    handOver?.committed(await writing.rows());
    return value;
  } catch (error) {
    // A connection that is cut ends the transaction while its work still runs. The driver takes the same object for the
    // next connection: what the work sent there would run outside of any transaction, or inside another one.
    guarded?.revoke("the transaction has ended");
    // Also when the acknowledgement was lost: what did commit is found by reading the table.
    handOver?.abandoned();
    throw error;
  }
}

/** What one transaction writes into `event_request`: announced before the commit, complete after it. */
class Writing implements Unit {
  readonly tx: Tx;
  readonly #producer: string;
  readonly #requests: NewRequest[] = [];
  readonly #announced: AnnouncedRequest[] = [];
  readonly #results: (() => Promise<readonly CommittedRequest[]>)[] = [];
  readonly memories: ((xid: string) => void)[] = [];
  isBehindOthers = false;

  constructor(tx: Tx, producer: string) {
    this.tx = tx;
    this.#producer = producer;
  }

  get announced(): readonly AnnouncedRequest[] {
    return this.#announced;
  }

  request(row: NewRequest): void {
    this.#requests.push(row);
  }

  send(writes: readonly Write[]): void {
    for (const write of writes) write.execute();
  }

  sendWriting<R>(
    announced: readonly AnnouncedRequest[],
    statement: Statement<R>,
    rowsOf: (result: readonly R[]) => readonly CommittedRequest[],
  ): void {
    statement.execute();
    this.#announced.push(...announced);
    this.#results.push(async () => rowsOf(await statement));
  }

  written(rows: readonly CommittedRequest[]): void {
    this.#announced.push(...rows);
    this.#results.push(async () => rows);
  }

  behindOthers(): void {
    this.isBehindOthers = true;
  }

  committed(remember: (xid: string) => void): void {
    this.memories.push(remember);
  }

  sendRequests(): void {
    const requests = this.#requests;
    if (requests.length === 0) return;
    const announced = requests.map(({ messageId, correlationId: key }) => ({ messageId, key }));
    const asked = new Map(requests.map((row) => [row.messageId, row]));
    this.sendWriting(announced, insertRequests(this.tx, requests, this.#producer), (written) =>
      written.map((row) => wireOf({ ...(asked.get(row.message_id) as NewRequest), producer: this.#producer }, row)),
    );
  }

  /** The rows, once they are committed. */
  async rows(): Promise<readonly CommittedRequest[]> {
    return (await Promise.all(this.#results.map((result) => result()))).flat();
  }
}

/** Multi-row insert; never COPY, whose rows share an LSN and can be lost at a connector's restart (R11). */
function insertRequests(tx: Tx, rows: readonly NewRequest[], producer: string): Statement<WrittenRow> {
  return tx<WrittenRow[]>`
    insert into timeline.event_request as r (message_id, correlation_id, causation_id, topic, message_key, message_type,
      saga, step_key, action, attempt, traceparent, message_headers, message_body, producer)
    select n."messageId", n."correlationId", n."causationId", n.topic, n."correlationId", n."messageType", n.saga,
      n."stepKey", n.action, n.attempt, n.traceparent, n."messageHeaders", n."messageBody", ${producer}
    from jsonb_to_recordset(${tx.json(rows as never)}) as n ("messageId" text, "correlationId" text, "causationId" text,
      topic text, "messageType" text, saga text, "stepKey" text, action text, attempt integer, traceparent text,
      "messageHeaders" jsonb, "messageBody" jsonb)
    returning r.message_id, to_char(r.requested_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as requested_at,
      r.xid::text as xid, r.message_body::text as body, r.message_headers::text as headers
  `;
}
