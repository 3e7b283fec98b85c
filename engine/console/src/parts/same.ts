import { useCallback, useRef } from "preact/hooks";

/** The same function each time, which does what the one given last does: what is drawn with it need not be drawn again. */
export function useSame<A extends readonly unknown[], R>(act: (...given: A) => R): (...given: A) => R {
  const latest = useRef(act);
  latest.current = act;
  return useCallback((...given: A) => latest.current(...given), []);
}
