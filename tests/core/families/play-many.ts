import type { decide } from "../../../engine/core/decide.ts";
import { playSeed } from "./play.ts";

/** What many seeds have met and broken. */
export interface Many {
  readonly played: number;
  readonly counts: ReadonlyMap<string, number>;
  /** Violations without what is special of one seed: the seeds of each. */
  readonly broken: ReadonlyMap<string, readonly number[]>;
  readonly text: string;
}

/** Where to end: after so many seeds, when the time is over, or with the first that breaks something. */
interface Until {
  readonly seeds?: number;
  readonly ms?: number;
  readonly firstBroken?: true;
}

/** Plays seeds, each like the one before it and yet another. */
export function playMany(from: number, until: Until, decides?: typeof decide): Many {
  const began = performance.now();
  const counts = new Map<string, number>();
  const broken = new Map<string, number[]>();
  let played = 0;
  for (let seed = from; seed < from + (until.seeds ?? Number.POSITIVE_INFINITY); seed += 1) {
    if (performance.now() - began > (until.ms ?? Number.POSITIVE_INFINITY)) break;
    const result = playSeed(seed, decides);
    if (result === undefined) continue;
    played += 1;
    for (const [what, count] of result.family.counts) counts.set(what, (counts.get(what) ?? 0) + count);
    if (result.violation === undefined) continue;
    const kind = kindOf(result.violation);
    broken.set(kind, [...(broken.get(kind) ?? []), seed]);
    if (until.firstBroken) break;
  }
  const met = [...counts].toSorted().map(([what, count]) => `${what}: ${count}`);
  const found = [...broken].map(
    ([kind, seeds]) => `BROKEN ${seeds.length} times: ${kind} (${seeds.slice(0, 6).join(" ")})`,
  );
  const seconds = ((performance.now() - began) / 1_000).toFixed(1);
  const text = [met.join(", "), ...found, `${played} families, ${seconds} s`].join("\n");
  return { played, counts, broken, text };
}

/** Names of steps and sagas are another's in each seed. */
function kindOf(violation: string): string {
  return violation.replace(/\S*(?:\bR\b|[A-Z0-9]{20,}|\b[a-z]+_?\d+\b)[^\s,:)]*/g, "…").slice(0, 90);
}
