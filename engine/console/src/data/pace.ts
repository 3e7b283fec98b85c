/** What is shown follows four times a second. */
const APART_MS = 250;
/** Of the time, so much at most is spent on reading one answer. */
const SHARE = 1 / 4;

/** How soon an answer may be read again that took so long, in milliseconds from when it was asked for. */
export function apartMs(tookMs: number): number {
  return Math.max(APART_MS, tookMs / SHARE);
}
