/** Waits for `work`, but no longer than `timeoutMs`: then it throws what `late` makes. The work itself goes on. */
export async function withDeadline<T>(work: Promise<T>, timeoutMs: number, late: () => Error): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), timeoutMs);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
    // Whatever it ends with after the deadline has nobody left to hear it.
    work.catch(() => undefined);
  }
}

/** Resolves with `work`, or after `timeoutMs` without it. */
export async function atMost(work: Promise<unknown>, timeoutMs: number): Promise<void> {
  await withDeadline(work, timeoutMs, () => new Error("late")).catch(() => undefined);
}
