import { useEffect, useRef, useState } from "preact/hooks";

/** Rows that are drawn at once, after the first. */
const MORE = 40;

/**
 * How many of a long list's rows are to be drawn: at first those that can be in sight, after each time that the browser
 * has painted some more, in the end all: a reader can search for them. `whole`: all at once. What was drawn stays.
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
    const timer = setTimeout(() => {
      drawn.current += MORE;
      again((count) => count + 1);
    });
    return () => clearTimeout(timer);
  }, [round, isAll, total]);
  return Math.min(total, drawn.current);
}
