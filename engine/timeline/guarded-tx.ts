import { readFileSync } from "node:fs";
import { ANSWER_MARGIN_MS, type Tx } from "./database.ts";
import { type LeftBehind, leftBehind, type Made } from "./left-behind.ts";
import { transactionWord } from "./transaction-words.ts";

/** A transaction as it is handed on, and the means to take it away. */
export interface GuardedTx {
  readonly tx: Tx;
  /**
   * Refuses every further statement. One that runs has its end before whatever comes next on the connection: a cancel that
   * comes too late would hit that.
   */
  revoke(reason: string): void;
  /** The same for one whose time is over: what runs is cancelled, unless its statements go among those of others. */
  cutOff(reason: string): void;
  /** Cancels the statement that runs, if one does: what stands behind it in its transaction fails with it. */
  cancel(): boolean;
  /** True while nothing was asked of it: what it was handed to has left no trace in the database. */
  readonly untouched: boolean;
  /** What was made of it and has not come to its end; to be asked when the handler has returned. */
  leftBehind(): LeftBehind | undefined;
}

/** What nobody may do with a transaction that was handed on: it is its opener's to end, and to nest. */
const REFUSED = new Set<PropertyKey>([
  "savepoint",
  "prepare",
  "begin",
  "reserve",
  "listen",
  "notify",
  "subscribe",
  "end",
  "close",
]);

/** What a handler does with its transaction that no further attempt would mend: its code must change. */
export class TransactionMisuseError extends Error {
  readonly code: string;

  constructor(code: "step.transaction" | "step.unawaited", message: string) {
    super(message);
    this.code = code;
  }
}

/** How a transaction that is handed on differs from the engine's own. */
export interface GuardOptions {
  /** Asked for each statement before it is sent. */
  readonly admit?: (statement: Sending) => boolean;
  /** Its statements go to the server among those of others, which a cancel would hit as well. */
  readonly among?: boolean;
  /** Whose it is, in words that let a person find the handler; absent: the engine's own work. */
  readonly of?: string;
}

/** A statement that is about to be sent, as the driver has it. */
export interface Sending extends Pick<Made, "strings" | "cursorFn" | "streaming"> {
  readonly options: { readonly simple?: boolean };
  readonly onlyDescribe?: boolean;
  catch(failed: (error: unknown) => void): unknown;
}

interface Cancellable extends Sending, Made {
  /** True from sending to the answer. One that was never sent, or is answered, must not be cancelled: that would hit whatever the connection does next. */
  readonly active: boolean;
  /** Sends the statement; the driver calls it when the statement is awaited. */
  handler: (query: Cancellable) => unknown;
  /** How long its answer may stay away, milliseconds, where that is longer than the pool's bound. */
  answerMs?: number;
  reject(error: Error): void;
  cancel(): void;
}

/**
 * Wraps a transaction. A handler that wakes up after its timeout could still write: its transaction is over, but the
 * driver would send the statement on the same connection, outside it (reliability R13e). `workMs`: how long a handler's
 * statement may take where that is longer than the engine's own may.
 */
export function guardTx(
  tx: Tx,
  workMs?: number,
  { admit = () => true, among = false, of }: GuardOptions = {},
): GuardedTx {
  let refusal: string | undefined;
  const running = new Set<Cancellable>();
  const check = () => {
    if (refusal !== undefined) throw over(of, refusal);
  };
  let touched = false;
  const track = (result: unknown): unknown => {
    touched = true;
    if (!isQuery(result)) return result;
    running.add(result);
    if (workMs !== undefined) result.answerMs = workMs + ANSWER_MARGIN_MS;
    // A statement is sent only when it is awaited, which may be long after it was made.
    const send = result.handler;
    result.handler = (query) => {
      if (refusal !== undefined) return refuse(query, over(of, refusal));
      const word = of === undefined ? undefined : wordOf(query);
      if (word !== undefined) return refuse(query, misuse(of, `runs "${word}"`));
      return admit(query) ? send(query) : refuse(query, over(of, "it is run again, alone"));
    };
    return result;
  };
  const proxy = new Proxy(tx, {
    apply(target, self, args: unknown[]) {
      check();
      return track(Reflect.apply(target as unknown as (...rest: unknown[]) => unknown, self, args));
    },
    get(target, name) {
      if (REFUSED.has(name)) throw misuse(of, `calls tx.${String(name)}`);
      if (name === "file" && of !== undefined) return fileOf(proxy);
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        check();
        return track(Reflect.apply(value, target, args));
      };
    },
  });
  // One of them: what is in progress is one group, and a second cancel may hit what comes after it.
  const cancel = () => {
    const active = [...running].find((query) => query.active);
    active?.cancel();
    return active !== undefined;
  };
  return {
    tx: proxy,
    get untouched() {
      return !touched;
    },
    revoke(reason) {
      refusal = reason;
    },
    cutOff(reason) {
      refusal = reason;
      if (!among) cancel();
    },
    cancel,
    leftBehind: () => leftBehind(running),
  };
}

/** What a handler that left something behind is told. */
export function unawaited(of: string, { kind, words }: LeftBehind): TransactionMisuseError {
  const what =
    kind === "pending"
      ? `has returned while "${words}" was not answered yet: await it, and every function that uses tx`
      : `has made "${words}" and never sent it: await it`;
  return new TransactionMisuseError("step.unawaited", `${of} ${what}`);
}

/** Also one that nobody awaits must not end the process. */
function refuse(query: Cancellable, error: Error): unknown {
  query.catch(() => {});
  return query.reject(error);
}

function over(of: string | undefined, reason: string): Error {
  return new Error(`${of === undefined ? "" : `${of}: `}the transaction of this step is over: ${reason}`);
}

function misuse(of: string | undefined, what: string): TransactionMisuseError {
  const why = "the engine owns the transaction: it commits when the handler succeeds, and rolls back when it does not";
  return new TransactionMisuseError(
    "step.transaction",
    `${of ?? "a handler"} ${what}, which is not for handlers: ${why}`,
  );
}

function wordOf({ strings, options }: Sending): string | undefined {
  return transactionWord(strings.length === 1 ? (strings[0] as string) : strings.join(" "), options.simple === true);
}

/** The driver reads a file when it sends it, past every look at its text. */
function fileOf(tx: Tx): (path: string, ...rest: never[]) => unknown {
  return (path, ...rest) => tx.unsafe(readFileSync(path, "utf8"), ...rest);
}

function isQuery(value: unknown): value is Cancellable {
  return (
    typeof value === "object" &&
    value !== null &&
    "active" in value &&
    "handler" in value &&
    typeof value.handler === "function"
  );
}
