import { bytesOf, type Held, type KeyQueue } from "./key-queue.ts";
import { WAITING_MAX, WAITING_MAX_BYTES } from "./lane-bounds.ts";

/** How often at most it is looked who is due: each look goes through all of them. */
const LOOK_EVERY_MS = 20;
/** How often at least: a timer takes no pause of months. */
const LOOK_WITHIN_MS = 60_000;

/**
 * Keys whose first message waits for its time: a notification for its next try, a message for its row. Up to a bound they
 * take no place from others, or what fails for hours would bring its group to a stand.
 */
export class Waiting {
  readonly #due: (queues: readonly KeyQueue[]) => void;
  readonly #queues = new Map<KeyQueue, Held>();
  #bytes = 0;
  /** Since when there have been more than take no place, by the clock that no one sets. */
  #overSince: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wakesAt = Number.POSITIVE_INFINITY;

  constructor(due: (queues: readonly KeyQueue[]) => void) {
    this.#due = due;
  }

  get count(): number {
    return this.#queues.size;
  }

  /** Messages that take no place. */
  get spared(): number {
    return Math.min(this.#queues.size, WAITING_MAX);
  }

  /** Bytes of bodies that take no place. */
  get sparedBytes(): number {
    return Math.min(this.#bytes, WAITING_MAX_BYTES);
  }

  /** A key waits until its `notBefore`, for the sake of its first message. */
  add(queue: KeyQueue, first: Held): void {
    queue.state = "waiting";
    this.#queues.set(queue, first);
    this.#bytes += bytesOf(first.delivery);
    if (this.#isOver) this.#overSince ??= performance.now();
    if (queue.notBefore < this.#wakesAt) this.#wakeAt(queue.notBefore);
  }

  /** A key waits no more. */
  remove(queue: KeyQueue): void {
    const first = this.#queues.get(queue);
    if (first === undefined) return;
    this.#queues.delete(queue);
    this.#bytes -= bytesOf(first.delivery);
    if (!this.#isOver) this.#overSince = undefined;
  }

  /** That more of them wait than take no place, for longer than `afterMs`. */
  problem(afterMs: number): string | undefined {
    if (this.#overSince === undefined || performance.now() - this.#overSince < afterMs) return undefined;
    const actions = Map.groupBy(this.#queues.values(), ({ delivery }) => delivery.headers["action"] ?? delivery.topic);
    const [most] = [...actions].toSorted(([, left], [, right]) => right.length - left.length);
    const named = most === undefined ? "" : `, ${most[1].length} of them ${most[0]}`;
    return `no room: ${this.#queues.size} messages wait for their next try${named}`;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#wakesAt = Number.POSITIVE_INFINITY;
  }

  get #isOver(): boolean {
    return this.#queues.size > WAITING_MAX || this.#bytes > WAITING_MAX_BYTES;
  }

  #wakeAt(at: number): void {
    clearTimeout(this.#timer);
    this.#wakesAt = at;
    const pauseMs = Math.min(LOOK_WITHIN_MS, Math.max(LOOK_EVERY_MS, at - Date.now()));
    this.#timer = setTimeout(() => this.#look(), pauseMs);
  }

  #look(): void {
    this.#wakesAt = Number.POSITIVE_INFINITY;
    const now = Date.now();
    const due: KeyQueue[] = [];
    let next = Number.POSITIVE_INFINITY;
    for (const queue of this.#queues.keys()) {
      if (queue.notBefore <= now) due.push(queue);
      else next = Math.min(next, queue.notBefore);
    }
    if (next < Number.POSITIVE_INFINITY) this.#wakeAt(next);
    for (const queue of due) this.remove(queue);
    if (due.length > 0) this.#due(due);
  }
}
