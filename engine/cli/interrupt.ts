import { EXIT } from "./cli-error.ts";

/** Calls under way are given this long to end after Ctrl-C, so that the summary is about what really happened. */
const CALLS_END_MS = 5_000;

/**
 * `npx` and `bun run` hand a signal on to the command, which the terminal has sent to it as well: what comes so soon after the
 * first is the same Ctrl-C.
 */
const SAME_MS = 300;

/** What the person's Ctrl-C does to a command. */
export interface Interrupt {
  /** Aborted by the first Ctrl-C: no new line is taken up. */
  readonly stopping: AbortSignal;
  /** Aborted some seconds later: calls under way are given up. */
  readonly giveUp: AbortSignal;
  /** Ctrl-C does again what it does by default. */
  release(): void;
}

/** Takes Ctrl-C (and SIGTERM) for a command: the first ends it tidily and is told, the second ends it at once. */
export function onInterrupt(
  told: () => void,
  now: () => number = () => performance.now(),
  end: () => void = () => process.exit(EXIT.interrupted),
): Interrupt {
  const stopping = new AbortController();
  const giveUp = new AbortController();
  let firstAt = 0;
  const asked = () => {
    if (stopping.signal.aborted) {
      if (now() - firstAt >= SAME_MS) end();
      return;
    }
    firstAt = now();
    stopping.abort();
    setTimeout(() => giveUp.abort(), CALLS_END_MS).unref();
    told();
  };
  process.on("SIGINT", asked).on("SIGTERM", asked);
  return {
    stopping: stopping.signal,
    giveUp: giveUp.signal,
    release: () => void process.off("SIGINT", asked).off("SIGTERM", asked),
  };
}
