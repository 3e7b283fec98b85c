import { useLayoutEffect, useRef, useState } from "preact/hooks";

import { callText, Problem } from "./call.ts";
import { takeBegun } from "./early.ts";
import { withKept } from "./kept.ts";
import { apartMs } from "./pace.ts";
import type { StreamEvent } from "./shapes.ts";
import { type Batch, onEvents, streamState } from "./stream.ts";

/** An answer of the API as a page shows it. What was read stays while it is read again. */
export interface Called<T> {
  readonly data: T | undefined;
  readonly problem: Problem | undefined;
  /** Reads it again, now. */
  again(): void;
}

/** An answer that is followed. */
export interface Followed<T> extends Called<T> {
  /** How often it was read since it is asked for; 0: what is there was read before. */
  readonly reads: number;
}

export interface Following {
  /** Whether an event may have changed the answer; without it, none has. */
  readonly concerns?: (event: StreamEvent) => boolean;
  /** Reads again after so long whatever happens. */
  readonly everyMs?: number;
}

interface Answer {
  readonly text: string;
  readonly data: unknown;
}

/** Answers that were read lately, so that going back shows something at once. */
const lately = new Map<string, Answer>();
const LATELY_MAX = 60;
/** Without a stream pages ask. */
const POLL_MS = 3_000;

/** Forgets what was read, for whoever signs in next. */
export function forgetAnswers(): void {
  lately.clear();
}

/** Reads a GET of the API and follows it. `path` undefined: nothing yet. */
export function useCall<T>(path: string | undefined, { concerns, everyMs }: Following = {}): Followed<T> {
  const [, draw] = useState(0);
  const reading = useRef<Reading<T> | undefined>(undefined);
  const matters = useRef(concerns);
  matters.current = concerns;
  if (reading.current?.path !== path) {
    reading.current?.leave();
    reading.current = path === undefined ? undefined : new Reading<T>(path, () => draw((count) => count + 1));
  }
  const current = reading.current;
  // Not after the browser has painted: it would ask that much later.
  useLayoutEffect(() => {
    if (current === undefined) return;
    current.again();
    const changes = (batch: Batch) => {
      if (batch === null ? matters.current !== undefined : batch.some((event) => matters.current?.(event)))
        current.soon();
    };
    const stop = onEvents(changes);
    const every = everyMs === undefined ? undefined : setInterval(() => current.soon(), everyMs);
    const poll = setInterval(() => {
      const isFollowed = streamState.value === "lost" && matters.current !== undefined;
      // The stream goes on where it broke off, and may have nothing to tell: what could not be read is asked for again.
      if (isFollowed || current.problem?.code === "console.unreachable") current.soon();
    }, POLL_MS);
    return () => {
      stop();
      clearInterval(every);
      clearInterval(poll);
      current.leave();
    };
  }, [current, everyMs]);
  return {
    data: current?.data,
    problem: current?.problem,
    get reads() {
      return current?.reads ?? 0;
    },
    again: () => current?.anew(),
  };
}

class Reading<T> {
  readonly path: string;
  data: T | undefined;
  problem: Problem | undefined;
  reads = 0;
  readonly #draw: () => void;
  #text: string | undefined;
  #shown: { readonly text: string | undefined; readonly problem: Problem | undefined } | undefined;
  #ending = new AbortController();
  #running = false;
  #wanted = false;
  /** It may be read again from then on, however much happens. */
  #nextAt = 0;
  #later: ReturnType<typeof setTimeout> | undefined;

  constructor(path: string, draw: () => void) {
    this.path = path;
    this.#draw = draw;
    const known = lately.get(path);
    this.data = known?.data as T | undefined;
    this.#text = known?.text;
  }

  /** Soon, together with whatever else happens until then. */
  soon(): void {
    this.#later ??= setTimeout(() => this.again(), Math.max(0, this.#nextAt - performance.now()));
  }

  again(): void {
    clearTimeout(this.#later);
    this.#later = undefined;
    if (this.#ending.signal.aborted) this.#ending = new AbortController();
    if (this.#running) {
      this.#wanted = true;
      return;
    }
    void this.#read();
  }

  /** Now, for somebody who waits for what comes of it: it is drawn even if it says the same. */
  anew(): void {
    this.#shown = undefined;
    this.again();
  }

  leave(): void {
    clearTimeout(this.#later);
    this.#later = undefined;
    this.#ending.abort();
  }

  async #read(): Promise<void> {
    this.#running = true;
    const begun = performance.now();
    this.#nextAt = begun + apartMs(0);
    const { signal } = this.#ending;
    try {
      const early = takeBegun(this.path);
      if (early?.missed === true) this.#wanted = true;
      const text = await (early?.text ?? callText(this.path, { signal }));
      if (text !== this.#text) this.data = withKept(this.data, JSON.parse(text) as T);
      this.#text = text;
      this.problem = undefined;
      // A call that failed says nothing of how long an answer takes.
      this.#nextAt = begun + apartMs(performance.now() - begun);
      this.reads += 1;
      remember(this.path, { text, data: this.data });
    } catch (error) {
      if (!signal.aborted) this.problem = error instanceof Problem ? error : new Problem(0, { detail: String(error) });
    }
    this.#running = false;
    if (!signal.aborted) this.#show();
    if (this.#wanted) {
      this.#wanted = false;
      this.soon();
    }
  }

  /** What says the same again is not drawn again. */
  #show(): void {
    const [text, problem] = [this.#text, this.problem];
    if (this.#shown !== undefined && this.#shown.text === text && this.#shown.problem === problem) return;
    this.#shown = { text, problem };
    this.#draw();
  }
}

function remember(path: string, answer: Answer): void {
  lately.delete(path);
  lately.set(path, answer);
  const [oldest] = lately.keys();
  if (lately.size > LATELY_MAX && oldest !== undefined) lately.delete(oldest);
}
