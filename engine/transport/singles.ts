import { type Held, type KeyQueue, mostOf, soonest, takeFrom } from "./key-queue.ts";
import type { Subscription } from "./port.ts";

/** Keys in the order in which they came, with since when they stand here, by the clock that no one sets. */
type Line = Map<KeyQueue, number>;

/** Keys whose first message must go alone, and how many of those are in progress. There are few places for them. */
export class Singles {
  readonly #subscription: Subscription;
  readonly #isNextTry: (first: Held) => boolean;
  /** First tries. They are new, and take places of their group like any other message that was taken in. */
  readonly #first: Line = new Map();
  /** Next tries whose time has come. They still take no place: they may be many, and each may take long. */
  readonly #next: Line = new Map();
  #running = 0;
  /** Which of the two is asked first. In turn, so that neither waits for all of the other. */
  #prefersNext = false;
  /** Until then none of them may begin, but for one that comes, or when one has ended. */
  #quietUntil = 0;

  constructor(subscription: Subscription, isNextTry: (first: Held) => boolean) {
    this.#subscription = subscription;
    this.#isNextTry = isNextTry;
  }

  /** In progress. */
  get running(): number {
    return this.#running;
  }

  add(queue: KeyQueue): void {
    this.#lineOf(queue)?.set(queue, performance.now());
    this.#quietUntil = 0;
  }

  /** Takes out those that stand here no longer with right, since messages were taken out of queues. */
  sort(): readonly KeyQueue[] {
    const out: KeyQueue[] = [];
    for (const line of [this.#next, this.#first])
      for (const queue of line.keys()) if (this.#lineOf(queue) !== line) out.push(queue);
    for (const queue of out) for (const line of [this.#next, this.#first]) line.delete(queue);
    this.#quietUntil = 0;
    return out;
  }

  /** The next message that may go now, if any. It is in progress until `ended`. */
  begin(now: number): Held | undefined {
    if (this.#running >= this.#subscription.singles || now < this.#quietUntil) return undefined;
    for (const isNext of [this.#prefersNext, !this.#prefersNext]) {
      const line = isNext ? this.#next : this.#first;
      for (const queue of line.keys()) {
        if (queue.notBefore > now || !this.#mayBegin(queue)) continue;
        line.delete(queue);
        this.#prefersNext = !isNext;
        this.#running += 1;
        queue.state = "busy";
        return takeFrom(queue, 1, 0)[0];
      }
    }
    this.#quietUntil = now + Math.min(soonest(this.#first.keys(), now), soonest(this.#next.keys(), now));
    return undefined;
  }

  ended(): void {
    this.#running -= 1;
    this.#quietUntil = 0;
  }

  /** How long it is until one of them may go that may not yet; infinity when nothing but an end helps. */
  soonest(now: number): number {
    return this.#quietUntil > now ? this.#quietUntil - now : Number.POSITIVE_INFINITY;
  }

  /**
   * That next tries have waited for a place for longer than `afterMs`. First tries alone are no problem but a load: as
   * many may be asked for at once as come in an hour.
   */
  problem(afterMs: number): string | undefined {
    const before = performance.now() - afterMs;
    const late = [...this.#next].flatMap(
      ([
        {
          waiting: [first],
        },
        since,
      ]) => (first && since < before ? [first] : []),
    );
    if (late.length === 0) return undefined;
    const waits = `${late.length} messages wait for over ${Math.round(afterMs / 1000)} s to go alone${mostOf(late)}`;
    return `${waits}: ${this.#busyText}`;
  }

  /**
   * That first tries have waited for longer than `afterMs` and are most of the `held` messages that fill their group's room:
   * as when a system that they call does not answer.
   */
  warning(afterMs: number, held: number): string | undefined {
    const [oldest] = this.#first.values();
    const waitedMs = performance.now() - (oldest ?? Number.POSITIVE_INFINITY);
    if (waitedMs < afterMs) return undefined;
    const waiting = [...this.#first.keys()].flatMap((queue) => queue.waiting);
    if (waiting.length < held / 2) return undefined;
    const since = new Date(Date.now() - waitedMs).toISOString();
    const room = `no room for more: ${held} messages in hand, ${waiting.length} of them wait to go alone`;
    return `${room}, the first since ${since}${mostOf(waiting)}: ${this.#busyText}`;
  }

  get #busyText(): string {
    const { group, singles } = this.#subscription;
    return `${this.#running} of ${singles} singles of ${group} are busy; see to what that handler waits for`;
  }

  #lineOf(queue: KeyQueue): Line | undefined {
    const [first] = queue.waiting;
    if (queue.state !== "ready" || first?.alone !== true) return undefined;
    return this.#isNextTry(first) ? this.#next : this.#first;
  }

  #mayBegin({ waiting: [first] }: KeyQueue): boolean {
    return first === undefined || (this.#subscription.mayBegin?.(first.delivery) ?? true);
  }
}
