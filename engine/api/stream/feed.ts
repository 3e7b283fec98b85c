import { type Grant, isFor } from "../../core/grant.ts";
import { isFinal } from "../../core/state.ts";
import type { Snapshot, StreamWindow } from "../../timeline/read-stream.ts";
import type { EventView } from "./event-view.ts";
import { noticeText, pingText } from "./sse.ts";
import { seconds, type StreamReader, type Told } from "./stream-reader.ts";
import type { Listener, StreamLimits, Tail } from "./tail.ts";

/** Which events a client wants; absent: all. */
export interface StreamFilter {
  /** Its stream ends with the saga. */
  readonly sagaId?: string;
  readonly definition?: string | undefined;
  readonly status?: readonly string[] | undefined;
  readonly type?: readonly string[] | undefined;
  /** For whom: what it is not for is left out. */
  readonly reader: Pick<Grant, "definitions" | "payloads">;
}

/** Of what a feed is made. */
export interface FeedParts {
  readonly tail: Tail;
  readonly reader: StreamReader;
  readonly limits: StreamLimits;
  /** Called when the client is told to resume: it may read no more. */
  readonly cut: () => void;
}

/**
 * One client's events, taken when it can take them: first those that it missed, page by page, then those that the tail
 * tells.
 */
export class Feed implements Listener {
  readonly #parts: FeedParts;
  readonly #filter: StreamFilter;
  #texts: string[] = [];
  /** What it has yet to read by itself; undefined: it has joined the tail. */
  #missed: StreamWindow | undefined;
  /** A final saga: where its stream ends. */
  #until: Snapshot | undefined;
  #sawEnd: EventView["status"] = null;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(parts: FeedParts, filter: StreamFilter) {
    this.#parts = parts;
    this.#filter = filter;
  }

  /** `first`: said before all else. `final`: the saga has ended, and all of it lies before `until`. */
  begin(
    first: string,
    missed: StreamWindow,
    final?: { readonly status: EventView["status"]; readonly until: Snapshot },
  ): void {
    this.#texts.push(first);
    this.#missed = missed;
    this.#until = final?.until;
    this.#sawEnd = final?.status ?? null;
  }

  take(told: readonly Told[], whole: Snapshot | undefined): void {
    if (this.#closed) return;
    this.#add(told);
    const { waitingMax } = this.#parts.limits;
    if (this.#texts.length > waitingMax) this.#cut(waitingMax);
    else if (whole !== undefined && this.#sawEnd !== null) this.#end(whole);
    // Only for something to send: what is woken at every look is never pinged.
    if (this.#texts.length > 0) this.#wake?.();
  }

  stop(): void {
    this.#close(": the engine stops\n\n");
  }

  /** The client has gone. */
  leave(): void {
    this.#texts = [];
    this.#close();
  }

  /** What to send next, when there is something; undefined: the stream is over. */
  async next(): Promise<string | undefined> {
    for (;;) {
      const texts = this.#texts.splice(0);
      if (texts.length > 0) return texts.join("");
      if (this.#closed) return undefined;
      if (this.#missed === undefined) {
        if (!(await this.#woken())) return this.#ping();
      } else await this.#catchUp(this.#missed);
    }
  }

  async #catchUp(missed: StreamWindow): Promise<void> {
    const { tail, reader } = this.#parts;
    const until = this.#until;
    if (missed.to === undefined && until === undefined && tail.join(this, missed.from)) {
      this.#missed = undefined;
      return;
    }
    const to = missed.to ?? until ?? (await tail.position());
    const { told, rest } = await reader.inTurn({ ...missed, to });
    if (this.#closed) return;
    this.#add(told);
    this.#missed = rest ?? { from: to };
    if (rest !== undefined) return;
    if (this.#sawEnd !== null && (until === undefined || until === to)) this.#end(to);
    // Where the filter hides everything the position moves all the same.
    else if (told.length > 0 && this.#texts.length === 0) this.#texts.push(pingAt(to));
  }

  #add(told: readonly Told[]): void {
    const { sagaId } = this.#filter;
    for (const { view, text, bare } of told) {
      if (!this.#wants(view)) continue;
      this.#texts.push(this.#filter.reader.payloads ? text : bare);
      if (sagaId !== undefined && view.status !== null && isFinal(view.status)) this.#sawEnd = view.status;
    }
  }

  #wants({ sagaId, definition, status, type }: EventView): boolean {
    const filter = this.#filter;
    return (
      isFor(filter.reader, definition) &&
      (filter.sagaId === undefined || filter.sagaId === sagaId) &&
      (filter.definition === undefined || filter.definition === definition) &&
      (filter.status === undefined || (status !== null && filter.status.includes(status))) &&
      (filter.type === undefined || (type !== null && filter.type.includes(type)))
    );
  }

  /** False: nothing came for long. */
  async #woken(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), this.#parts.limits.pingMs);
    this.#wake = () => resolve(true);
    const woken = await promise;
    clearTimeout(timer);
    this.#wake = undefined;
    return woken;
  }

  #ping(): string {
    const now = this.#parts.tail.settled;
    return now === undefined ? pingText() : pingAt(now);
  }

  #end(from: Snapshot): void {
    const position = { from, at: seconds(), ended: true };
    this.#close(noticeText("end", { sagaId: this.#filter.sagaId, status: this.#sawEnd }, position));
  }

  #cut(waiting: number): void {
    this.#texts = [];
    this.#close(noticeText("behind", { message: `more than ${waiting} events wait: connect again to go on` }));
    this.#parts.cut();
  }

  #close(last?: string): void {
    if (this.#closed) return;
    if (last !== undefined) this.#texts.push(last);
    this.#closed = true;
    this.#parts.tail.leave(this);
    this.#wake?.();
  }
}

function pingAt(from: Snapshot): string {
  return pingText({ from, at: seconds(), ended: false });
}
