/**
 * Seeds that broke a rule of the real engine, and why: they always run. A change of the generator makes them other runs, so
 * that each reason is also held by a test of its own in `found.test.ts`.
 */
export const FOUND_SEEDS: readonly { readonly seed: number; readonly why: string }[] = [
  { seed: 0, why: "a firer took timers before their sagas' locks" },
  { seed: 436, why: "nobody could retry what was parked in a completed child's reversal" },
];
