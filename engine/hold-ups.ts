import { untilPulse } from "./pause.ts";
import type { Log } from "./sdk.ts";
import type { PartHealth } from "./transport/port.ts";

/** How often it is looked whether timers come in time. */
const LOOK_MS = 500;
/** A timer that comes so much late was held up. */
const LATE_MS = 1_000;
/** A handler may have held it up that was in progress for so long of that time: several may do it one after the other. */
const SHARE_MS = 500;
/** How long a report of health tells of it. */
const TOLD_MS = 5 * 60_000;
/** Of handlers that have ended, and in one sentence. */
const NAMES_MAX = 10;

/** A call of a handler. */
interface Call {
  readonly name: string;
  readonly beganAt: number;
}

/** One event loop serves the process, so that these are the process's, too. */
const running = new Set<Call>();
/** Calls that took long and have ended, the newest last. */
const longEnded: (Call & { readonly endedAt: number })[] = [];

/** Notes that a handler is called; returns what is to be called when it has ended. */
export function noteCall(name: string): () => void {
  const call: Call = { name, beganAt: performance.now() };
  running.add(call);
  return () => {
    running.delete(call);
    const endedAt = performance.now();
    if (endedAt - call.beganAt < SHARE_MS) return;
    longEnded.push({ ...call, endedAt });
    if (longEnded.length > NAMES_MAX) longEnded.shift();
  };
}

/** The calls that may have held up the process between two looks. */
function suspects(since: number, now: number): readonly string[] {
  const still = [...running].map((call) => ({ ...call, endedAt: now }));
  const long = [...longEnded, ...still].filter(
    ({ beganAt, endedAt }) => endedAt - Math.max(beganAt, since) >= SHARE_MS,
  );
  return [...new Set(long.map(({ name }) => name))];
}

/** Finds out that the process stood still: a handler that computes keeps everything else waiting. */
export class HoldUps {
  readonly #log: Log;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lookedAt = 0;
  #dueAt = 0;
  #cpu = process.cpuUsage();
  #last: { readonly at: number; readonly detail: string } | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  start(): void {
    this.#lookedAt = performance.now();
    this.#cpu = process.cpuUsage();
    this.#lookLater();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** A line that warns while it is not long ago. */
  health(): readonly PartHealth[] {
    const last = this.#last;
    if (last === undefined || performance.now() - last.at > TOLD_MS) return [];
    const hint =
      "A handler that computes for long must await now and then, or belongs into a thread or a program of its own.";
    return [{ part: "event loop", ok: true, detail: last.detail, hint }];
  }

  #lookLater(): void {
    const ms = untilPulse(LOOK_MS);
    this.#dueAt = performance.now() + ms;
    this.#timer = setTimeout(() => this.#look(), ms);
    // It keeps no process alive.
    this.#timer.unref();
  }

  #look(): void {
    const now = performance.now();
    const since = this.#lookedAt;
    this.#lookedAt = now;
    const cpu = process.cpuUsage();
    const { user, system } = process.cpuUsage(this.#cpu);
    this.#cpu = cpu;
    const heldMs = now - this.#dueAt;
    this.#lookLater();
    if (heldMs < LATE_MS) return;
    const names = suspects(since, now);
    const inProgress = names.length === 0 ? "no handler was in progress" : `in progress then: ${sayNames(names)}`;
    // Measured since the look before, which was earlier than the moment from which it was held up, and over all threads.
    const computed = `it computed for ${seconds(Math.min(heldMs, (user + system) / 1000))} of that`;
    const lost = "no call, no timeout and no other message could be served";
    const detail = `this process was held up for ${seconds(heldMs)}: ${lost}; ${inProgress}; ${computed}`;
    this.#last = { at: now, detail };
    this.#log.warn(detail);
  }
}

function sayNames(names: readonly string[]): string {
  const more = names.length - NAMES_MAX;
  return names.slice(0, NAMES_MAX).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
