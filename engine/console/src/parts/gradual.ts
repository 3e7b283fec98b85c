import { useEffect, useRef, useState } from "preact/hooks";

/** Rows that are drawn at once, after the first. */
const MORE = 40;
/** However much there is to do: the rest of a list does not wait for longer. */
const WAIT_MAX_MS = 300;

/**
 * How many of a long list's rows are to be drawn: at first those that can be in sight, then some more whenever the browser
 * has nothing else to do, in the end all: a reader can search for them. `whole`: all at once. What was drawn stays.
 */
export function useGradually(total: number, first: number, whole = false): number {
  const drawn = useRef(first);
  const [round, again] = useState(0);
  if (whole) drawn.current = Number.POSITIVE_INFINITY;
  const isAll = drawn.current >= total;
  useEffect(() => {
    if (isAll) {
      // What is added from now on is not many.
      if (total > 0) drawn.current = Number.POSITIVE_INFINITY;
      return;
    }
    return whenIdle(() => {
      drawn.current += MORE;
      again((count) => count + 1);
    });
  }, [round, isAll, total]);
  return Math.min(total, drawn.current);
}

/** Calls once, unless the returned function is called before. */
function whenIdle(act: () => void): () => void {
  // Safari has none.
  if (globalThis.requestIdleCallback === undefined) {
    const timer = setTimeout(act, 30);
    return () => clearTimeout(timer);
  }
  const handle = requestIdleCallback(act, { timeout: WAIT_MAX_MS });
  return () => cancelIdleCallback(handle);
}
