import type { Outcome, StepContext } from "ekiden";

/** What handlers return or throw in place of their work, by the note of their input. For engines in the test's process. */
export const returns = new Map<string, (context: StepContext) => unknown>();

/** Calls of every handler by note, rolled back or not. */
export const calls = new Map<string, number>();

/** Counts the call, and gives back what the test wants it to return. */
export async function odd(note: string, context: StepContext): Promise<Outcome<unknown> | undefined> {
  calls.set(note, (calls.get(note) ?? 0) + 1);
  return (await returns.get(note)?.(context)) as Outcome<unknown> | undefined;
}
