/** A month of sales: its name, and the times from which and before which a sale belongs to it. */
export interface Month {
  readonly name: string;
  readonly from: Date;
  readonly before: Date;
}

/** Tokyo has no summer time: its days always begin at 15:00 UTC. */
const TOKYO_AHEAD_MS = 9 * 3_600_000;

/** The month in Tokyo that ended last before a time; undefined when the time cannot be read. */
export function monthBefore(time: string): Month | undefined {
  const there = new Date(Date.parse(time) + TOKYO_AHEAD_MS);
  if (Number.isNaN(there.getTime())) return undefined;
  const [year, month] = [there.getUTCFullYear(), there.getUTCMonth()];
  const from = new Date(Date.UTC(year, month - 1) - TOKYO_AHEAD_MS);
  const before = new Date(Date.UTC(year, month) - TOKYO_AHEAD_MS);
  return { name: new Date(Date.UTC(year, month - 1)).toISOString().slice(0, 7), from, before };
}
