import type { Random } from "./random.ts";

/** What may go wrong, or be asked for by people, in a run. */
export type FaultKind =
  | "crash of a dispatcher"
  | "crash of a participant"
  | "connection lost before the commit"
  | "connection lost after the commit"
  | "messages twice"
  | "a message in error comes again"
  | "a lane delayed"
  | "a group rewound"
  | "partitions taken away"
  | "the clock jumps ahead"
  | "the clock jumps back"
  | "the dispatcher paused"
  | "a signal"
  | "a signal twice"
  | "a cancel"
  | "a child cancelled"
  | "an operator retries";

/** One fault of a run. `draw`: what it hits, whatever else is left out. */
export interface Fault {
  readonly kind: FaultKind;
  /** The step of the run at which it happens. */
  readonly at: number;
  readonly draw: number;
}

const WEIGHTS: Readonly<Record<FaultKind, number>> = {
  "crash of a dispatcher": 4,
  "crash of a participant": 4,
  "connection lost before the commit": 1,
  "connection lost after the commit": 2,
  "messages twice": 2,
  "a message in error comes again": 5,
  "a lane delayed": 3,
  "a group rewound": 3,
  "partitions taken away": 3,
  "the clock jumps ahead": 3,
  "the clock jumps back": 1,
  "the dispatcher paused": 2,
  "a signal": 5,
  "a signal twice": 2,
  "a cancel": 2,
  "a child cancelled": 1,
  "an operator retries": 3,
};

/** Longest part of a run in which faults begin. */
const SPAN = 250;

/** A random subset of the faults: each run has its own few kinds, so that some have one kind only and some all. */
export function randomFaults(random: Random): Fault[] {
  const kinds = (Object.keys(WEIGHTS) as FaultKind[]).filter(() => random.chance(0.6));
  if (kinds.length === 0) return [];
  const weights = Object.fromEntries(kinds.map((kind) => [kind, WEIGHTS[kind]])) as Record<FaultKind, number>;
  const faults = Array.from({ length: random.below(9) }, () => ({
    kind: random.weighted(weights),
    at: random.below(SPAN),
    draw: random.below(2 ** 31),
  }));
  return faults.sort((one, other) => one.at - other.at);
}
