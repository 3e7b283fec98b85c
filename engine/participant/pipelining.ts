import type { Tx } from "../timeline/database.ts";
import { type GuardedTx, guardTx, type Sending } from "../timeline/guarded-tx.ts";
import { type CallResult, TimeOver } from "./call.ts";
import type { CommandRequest } from "./claimed.ts";
import { type Handlers, type Limit, limitOf } from "./handlers.ts";
import { Rests } from "./rests.ts";

/**
 * Which actions may be pipelined: their handlers send one statement each, so that those of a batch can be sent behind one
 * another without waiting for the answers. To the database this is what strictly one after another is (reliability
 * R13a): the same statements in the same order, and none in the middle of another handler's.
 */
export class Pipelining {
  readonly #single = new Set<string>();
  /** Seen with several statements: never again, since each wrong guess costs a batch. */
  readonly #several = new Set<string>();
  readonly #rests = new Rests();

  /** Whether the next call may be sent along with others. */
  may(action: string): boolean {
    return this.#single.has(action) && !this.#rests.isResting(action);
  }

  /** A call that ran alone has ended well. */
  learn(action: string, { several }: CallStatements): void {
    if (several) this.refuse(action);
    else if (!this.#several.has(action)) this.#single.add(action);
  }

  /** Calls of it that were sent along with others have all ended well. */
  praise(action: string): void {
    this.#rests.wake(action);
  }

  /** It sends several statements. */
  refuse(action: string): void {
    this.#single.delete(action);
    this.#several.add(action);
  }

  /** A batch with it failed: who is to blame is found one by one, and so are those of the next batches. */
  rest(actions: Iterable<string>): void {
    for (const action of actions) this.#rests.rest(action);
  }
}

/** What one call of a handler sends. */
export class CallStatements {
  /** Resolves when the call sends its first statement. */
  readonly first: Promise<void>;
  /** One of them was not done. */
  failed = false;
  readonly #alone: boolean;
  #sent = 0;
  #odd = false;
  #begin: () => void = () => {};

  /** `alone`: it may send what it likes; else one statement, as most. */
  constructor(alone: boolean) {
    this.#alone = alone;
    this.first = alone
      ? Promise.resolve()
      : new Promise((resolve) => {
          this.#begin = resolve;
        });
  }

  /** More than one statement, or one that needs several trips. */
  get several(): boolean {
    return this.#sent > 1 || this.#odd;
  }

  /** Whether this statement may be sent. */
  readonly admit = (statement: Sending): boolean => {
    this.#sent += 1;
    if (!isPlain(statement)) this.#odd = true;
    this.#begin();
    if (this.#alone) return true;
    if (this.several) return false;
    statement.catch(() => {
      this.failed = true;
    });
    return true;
  };
}

/** One message there and one answer back, and nothing that outlasts it: no cursor, no COPY, no `set`. */
function isPlain({ strings, cursorFn, streaming, onlyDescribe }: Sending): boolean {
  const isOneTrip = cursorFn === undefined && !streaming && !onlyDescribe;
  return isOneTrip && /^\s*(insert|update|delete|merge|select|with)\b/i.test(strings[0] ?? "");
}

/** A call that was begun before those before it had ended; `end`: absent where nothing has come of it. */
export interface Called {
  readonly request: CommandRequest;
  readonly statements: CallStatements;
  readonly guarded: GuardedTx;
  end?: PromiseSettledResult<CallResult>;
}

/** What came of calls that were sent behind one another. `stalled`: none of them ended for too long, and they were cancelled. */
export interface CalledAll {
  readonly called: readonly Called[];
  readonly stalled: boolean;
}

/** Once what is left of a batch that will be rolled back is cancelled, its answers are waited for so long. */
const CANCELLED_MS = 100;

/**
 * Calls each handler when the one before it has sent its statement, and waits until all have ended; after the first that
 * fails none is begun. `stallMs`: how long none of them may end.
 */
export async function callAll(
  handlers: Handlers,
  tx: Tx,
  requests: readonly CommandRequest[],
  now: Date,
  stallMs: number,
): Promise<CalledAll> {
  const called: Called[] = [];
  const aborts: AbortController[] = [];
  const ends: Promise<void>[] = [];
  const stall = new Stall(stallMs);
  let failed = false;
  for (const request of requests) {
    const statements = new CallStatements(false);
    const limit = limitAmong(request, requests.length, stallMs);
    const guarded = guardTx(tx, limit.ms, { admit: statements.admit, among: true, of: handlers.nameOf(request) });
    const one: Called = { request, statements, guarded };
    const abort = new AbortController();
    const running = Promise.allSettled([handlers.run(guarded, request, now, limit, abort)]).then(([end]) => {
      one.end = end;
      guarded.revoke("the handler has returned");
      failed ||= end.status === "rejected" || statements.several;
      stall.restart();
    });
    called.push(one);
    aborts.push(abort);
    ends.push(running);
    await Promise.race([statements.first, running, stall.reached]);
    if (failed || stall.is) break;
  }
  const all = Promise.all(ends);
  await Promise.race([all, stall.reached]);
  stall.stop();
  if (stall.is || failed) {
    // A handler may have left a statement behind that waits for a lock.
    for (const abort of aborts) abort.abort(new TimeOver("slow", stallMs));
    // Once for all of them: they are one group, and a cancel that comes late hits whatever the connection does then.
    if (called.some(({ guarded }) => guarded.cancel())) await Promise.race([all, Bun.sleep(CANCELLED_MS)]);
  }
  return { called, stalled: stall.is };
}

/** Its own limit, or longer: it would count what others take. One that takes too long is found when they stand still. */
function limitAmong(request: CommandRequest, calls: number, stallMs: number): Limit {
  const limit = limitOf(request);
  return { ...limit, ms: Math.max(limit.ms, (calls + 1) * stallMs) };
}

/** Tells when nothing has happened for some time. */
class Stall {
  readonly reached: Promise<void>;
  readonly #ms: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #reach: () => void = () => {};
  is = false;

  constructor(ms: number) {
    this.#ms = ms;
    this.reached = new Promise((resolve) => {
      this.#reach = resolve;
    });
    this.restart();
  }

  restart(): void {
    this.stop();
    if (this.is) return;
    const timer = setTimeout(() => {
      // When the whole process stood still, the answers lie there and have not been read.
      setImmediate(() => {
        if (this.#timer !== timer) return;
        this.is = true;
        this.#reach();
      });
    }, this.#ms);
    this.#timer = timer;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
