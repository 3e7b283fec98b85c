/** The longest span that `setTimeout` counts; anything longer fires at once. */
const SPAN_MAX_MS = 2 ** 31 - 1;

/** Calls `act` after a time of any length. Returns what stops it. */
export function afterLong(ms: number, act: () => void, spanMs = SPAN_MAX_MS): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const count = (left: number) => {
    timer = setTimeout(() => (left > spanMs ? count(left - spanMs) : act()), Math.min(left, spanMs));
  };
  count(ms);
  return () => clearTimeout(timer);
}
