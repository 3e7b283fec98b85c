/** A year after a day, or after today for who comes back late. The 29th of February goes on to the 1st of March. */
export function yearAfter(paidUntil: Date | undefined, now: Date): Date {
  const from = paidUntil === undefined || paidUntil < now ? now : paidUntil;
  return new Date(Date.UTC(from.getUTCFullYear() + 1, from.getUTCMonth(), from.getUTCDate()));
}
