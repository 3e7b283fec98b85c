import { bytesOf, type Held, type KeyQueue, mostOf } from "./key-queue.ts";
import { HELD_MAX, HELD_MAX_BYTES, WAITING_MAX, WAITING_MAX_BYTES } from "./lane-bounds.ts";

/** How often at most it is looked who is due: each look goes through all of them. */
const LOOK_EVERY_MS = 20;
/** How often at least: a timer takes no pause of months. */
const LOOK_WITHIN_MS = 60_000;

/**
 * Messages that are tried again when their time comes: a notification after a try, a message before its row. From their
 * first `later` until they are done they take no place from others, up to a bound, whether they wait for their time, for
 * a place to go alone or for the end of a try: what fails for hours, and slowly, would bring its group to a stand.
 */
export class Waiting {
  readonly #due: (queues: readonly KeyQueue[]) => void;
  readonly #messages = new Set<Held>();
  /** Keys whose first message waits for its time. */
  readonly #queues = new Set<KeyQueue>();
  #bytes = 0;
  /** Since when there have been more than take no place, by the clock that no one sets. */
  #overSince: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wakesAt = Number.POSITIVE_INFINITY;

  constructor(due: (queues: readonly KeyQueue[]) => void) {
    this.#due = due;
  }

  get count(): number {
    return this.#messages.size;
  }

  /** Messages that take no place. */
  get spared(): number {
    return Math.min(this.#messages.size, WAITING_MAX);
  }

  /** Bytes of bodies that take no place. */
  get sparedBytes(): number {
    return Math.min(this.#bytes, WAITING_MAX_BYTES);
  }

  /** How much of a group's room is taken when so many messages are held, of so many bytes; 1: all of it. */
  shareOf(held: number, bytes: number): number {
    return Math.max((held - this.spared) / HELD_MAX, (bytes - this.sparedBytes) / HELD_MAX_BYTES);
  }

  /** Whether a message has been answered with `later`. */
  has(message: Held): boolean {
    return this.#messages.has(message);
  }

  /** A key waits until its `notBefore`, for the sake of its first message. */
  add(queue: KeyQueue, first: Held): void {
    queue.state = "waiting";
    this.#queues.add(queue);
    if (!this.#messages.has(first)) {
      this.#messages.add(first);
      this.#bytes += bytesOf(first.delivery);
      if (this.#isOver) this.#overSince ??= performance.now();
    }
    if (queue.notBefore < this.#wakesAt) this.#wakeAt(queue.notBefore);
  }

  /** A key waits no more. */
  cancel(queue: KeyQueue): void {
    this.#queues.delete(queue);
  }

  /** A message is done, or nobody's any more. */
  end(message: Held): void {
    if (!this.#messages.delete(message)) return;
    this.#bytes -= bytesOf(message.delivery);
    if (!this.#isOver) this.#overSince = undefined;
  }

  /** That more of them wait than take no place, for longer than `afterMs`. */
  problem(afterMs: number): string | undefined {
    if (this.#overSince === undefined || performance.now() - this.#overSince < afterMs) return undefined;
    return `no room: ${this.#messages.size} messages wait for their next try${mostOf(this.#messages)}`;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#wakesAt = Number.POSITIVE_INFINITY;
  }

  get #isOver(): boolean {
    return this.#messages.size > WAITING_MAX || this.#bytes > WAITING_MAX_BYTES;
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
    for (const queue of this.#queues) {
      if (queue.notBefore <= now) due.push(queue);
      else next = Math.min(next, queue.notBefore);
    }
    if (next < Number.POSITIVE_INFINITY) this.#wakeAt(next);
    for (const queue of due) this.cancel(queue);
    if (due.length > 0) this.#due(due);
  }
}
