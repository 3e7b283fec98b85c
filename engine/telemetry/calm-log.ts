import type { Log } from "../sdk.ts";
import { type Fields, type Level, plain } from "./log.ts";

/** The same line is written at most so often, milliseconds. */
const AGAIN_AFTER_MS = 30_000;
/** What is quiet for so long is over: longer than an attempt that waits for a connection. */
const QUIET_MS = 15_000;
/** A loop that tries again more seldom is not called over between two of its attempts. */
const QUIET_GAPS = 3;
/** Troubles, and reasons of one, that are remembered; the oldest is forgotten first. */
const TROUBLES_MAX = 100;
const REASONS_MAX = 20;
const LOOK_MS = 1_000;

/** One line, reason included, that was written and may come again. */
interface Reason {
  readonly fields: Fields;
  writtenAt: number;
  /** How often it came since it was written, and when last. */
  unwritten: number;
  lastAt: number;
}

/** What does not go well, with every reason that was given. */
interface Trouble {
  readonly level: Level;
  readonly message: string;
  readonly reasons: Map<string, Reason>;
  readonly firstAt: number;
  lastAt: number;
  times: number;
  longestGapMs: number;
}

/**
 * A log for loops that try again for ever: a line with an `error` or a `reason` is written at once, and while the very same
 * comes again, once in a while with how often; when it has stopped coming, one line says so. Every other line passes as it is.
 */
export class CalmLog implements Log {
  readonly #log: Log;
  readonly #now: () => number;
  readonly #troubles = new Map<string, Trouble>();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(log: Log, now: () => number = () => performance.now()) {
    this.#log = log;
    this.#now = now;
  }

  info(message: string, fields?: Fields): void {
    this.#take("info", message, fields);
  }

  warn(message: string, fields?: Fields): void {
    this.#take("warn", message, fields);
  }

  error(message: string, fields?: Fields): void {
    this.#take("error", message, fields);
  }

  /** Says what is over. */
  look(): void {
    const now = this.#now();
    for (const [key, trouble] of this.#troubles) {
      const quietMs = now - trouble.lastAt;
      if (quietMs >= overAfter(trouble)) this.#end(key, trouble, quietMs);
    }
    if (this.#troubles.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Writes what came and was not written yet: how things stood when the process ended. */
  flush(): void {
    for (const trouble of this.#troubles.values())
      for (const reason of trouble.reasons.values()) this.#writeAgain(trouble, reason);
  }

  #take(level: Level, message: string, fields: Fields | undefined): void {
    const keys = keysOf(level, message, fields);
    if (keys === undefined || fields === undefined) return this.#log[level](message, fields);
    const now = this.#now();
    const trouble = this.#troubleOf(keys.trouble, level, message, now);
    trouble.longestGapMs = Math.max(trouble.longestGapMs, now - trouble.lastAt);
    trouble.lastAt = now;
    trouble.times += 1;
    const known = trouble.reasons.get(keys.reason);
    if (known !== undefined) {
      known.unwritten += 1;
      known.lastAt = now;
      if (now - known.writtenAt >= AGAIN_AFTER_MS) this.#writeAgain(trouble, known);
      return;
    }
    this.#forgetOldest(trouble.reasons, REASONS_MAX, (reason) => this.#writeAgain(trouble, reason));
    trouble.reasons.set(keys.reason, { fields, writtenAt: now, unwritten: 0, lastAt: now });
    this.#log[level](message, fields);
  }

  #troubleOf(key: string, level: Level, message: string, now: number): Trouble {
    const known = this.#troubles.get(key);
    if (known !== undefined) {
      // The one that came last is the last to be forgotten.
      this.#troubles.delete(key);
      this.#troubles.set(key, known);
      return known;
    }
    this.#forgetOldest(this.#troubles, TROUBLES_MAX, (trouble) => {
      for (const reason of trouble.reasons.values()) this.#writeAgain(trouble, reason);
    });
    const begun: Trouble = { level, message, reasons: new Map(), firstAt: now, lastAt: now, times: 0, longestGapMs: 0 };
    this.#troubles.set(key, begun);
    if (this.#timer === undefined) {
      this.#timer = setInterval(() => this.look(), LOOK_MS);
      // It must keep no process alive.
      this.#timer.unref();
    }
    return begun;
  }

  #forgetOldest<T>(entries: Map<string, T>, max: number, leave: (entry: T) => void): void {
    for (const [key, entry] of entries) {
      if (entries.size < max) return;
      leave(entry);
      entries.delete(key);
    }
  }

  #writeAgain(trouble: Trouble, reason: Reason): void {
    if (reason.unwritten === 0) return;
    const { level, message } = trouble;
    const text = `still: ${message} (${times(reason.unwritten)} in ${seconds(reason.lastAt - reason.writtenAt)} s)`;
    reason.unwritten = 0;
    reason.writtenAt = this.#now();
    this.#log[level](text, reason.fields);
  }

  /** Of what came once there is nothing to say: not everything that goes wrong is tried again. */
  #end(key: string, { message, firstAt, lastAt, times: count }: Trouble, quietMs: number): void {
    this.#troubles.delete(key);
    if (count === 1) return;
    const lasted = `${times(count)} in ${seconds(lastAt - firstAt)} s, not again for ${seconds(quietMs)} s`;
    this.#log.info(`over: ${message} (${lasted})`);
  }
}

/** What came once is remembered for as long as the same would not be written again. */
function overAfter({ times: count, longestGapMs }: Trouble): number {
  return count === 1 ? AGAIN_AFTER_MS : Math.max(QUIET_MS, QUIET_GAPS * longestGapMs);
}

/** What tells one trouble from another, and one reason from another; undefined for a line that tells of no trouble. */
function keysOf(
  level: Level,
  message: string,
  fields: Fields = {},
): { readonly trouble: string; readonly reason: string } | undefined {
  if (!("error" in fields || "reason" in fields)) return undefined;
  // Which messages it met is another each time, and the trouble the same.
  const { error, reason, messages: _count, first: _first, ...others } = plain(fields);
  // Hashed: an error's text may be long, and many are remembered.
  return { trouble: hash([level, message, others]), reason: hash([error, reason]) };
}

function hash(value: unknown): string {
  return Bun.hash(JSON.stringify(value)).toString(36);
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}

function seconds(ms: number): number {
  return Math.round(ms / 1_000);
}
