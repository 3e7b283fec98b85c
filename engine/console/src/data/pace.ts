/** What is shown follows four times a second. */
const APART_MS = 250;
/** Of the time, so much at most is spent on reading one answer. */
const SHARE = 1 / 4;
/** However long one answer took: what is shown must not be old for minutes. */
const APART_MAX_MS = 5_000;

/** How soon an answer may be read again that took so long, in milliseconds from when it was asked for. */
export function apartMs(tookMs: number): number {
  return Math.min(APART_MAX_MS, Math.max(APART_MS, tookMs / SHARE));
}
