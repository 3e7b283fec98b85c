import { FAULTS } from "./catalogue.ts";
import type { Violation } from "./checker/law.ts";
import type { Strike } from "./run.ts";
import type { Mode } from "./world.ts";

/** What a run under load has to show for itself. */
export interface Done {
  /** How long sagas were started. */
  readonly minutes: number;
  readonly completed: number;
  readonly undone: number;
  readonly strikes: readonly Strike[];
}

/** The slowest run that was measured, on Kafka and a busy machine, completed 28 sagas a minute and undid 12. */
const A_MINUTE = { completed: 10, undone: 3 };

/** A run that did little has proved little: what it lacks, as a violation. A kind that was never drawn is `notDrawn`. */
export function vacuous({ minutes, completed, undone, strikes }: Done): readonly Violation[] {
  const rounds = Math.max(1, minutes);
  const least = { completed: Math.ceil(A_MINUTE.completed * rounds), undone: Math.ceil(A_MINUTE.undone * rounds) };
  const kinds = [...new Set(strikes.map(({ fault }) => fault))];
  const never = kinds.filter((kind) => !strikes.some(({ fault, fired }) => fault === kind && fired));
  const rows = [
    ...(completed < least.completed || undone < least.undone ? [{ completed, undone, least }] : []),
    ...(strikes.length === 0 ? [{ faults: 0 }] : []),
    ...never.map((fault) => ({ neverFired: fault, told: strikes.find((one) => one.fault === fault)?.told })),
  ];
  if (rows.length === 0) return [];
  return [
    { invariant: "vacuity", says: "enough sagas ended and every fault that was drawn fired", count: rows.length, rows },
  ];
}

/** Kinds of faults that the mode knows and the run had no time for, was not asked for, or cannot have on this machine. */
export function notDrawn(mode: Mode, strikes: readonly Strike[]): readonly string[] {
  return FAULTS.filter(({ modes }) => modes.includes(mode))
    .map(({ name }) => name)
    .filter((name) => !strikes.some(({ fault }) => fault === name));
}
