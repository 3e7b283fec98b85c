const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SHORT = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;
const ISO = /^P(?=\d|T\d)(?:(\d+)W)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;
/** Ten years: beyond that it is a slip of the pen, and timers would overflow. */
const LONGEST_MS = 3650 * 86_400_000;

/**
 * `300ms 30s 2m 3h 1d`, or ISO 8601 without years and months (their length depends on the date), to milliseconds.
 * Undefined: no duration, zero, below a millisecond, or above ten years.
 */
export function durationMs(text: string): number | undefined {
  const ms = shortMs(text) ?? isoMs(text);
  if (ms === undefined) return undefined;
  const whole = Math.round(ms);
  return whole >= 1 && whole <= LONGEST_MS ? whole : undefined;
}

function shortMs(text: string): number | undefined {
  const match = SHORT.exec(text);
  return match === null ? undefined : Number(match[1]) * (UNIT_MS[match[2] ?? ""] ?? Number.NaN);
}

function isoMs(text: string): number | undefined {
  const match = ISO.exec(text);
  if (match === null) return undefined;
  const [weeks, days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0));
  return (((((weeks ?? 0) * 7 + (days ?? 0)) * 24 + (hours ?? 0)) * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0)) * 1000;
}
