/**
 * Asks again and again until `condition` gives a value.
 * Undefined when `timeoutMs` have passed; an error that the condition throws ends the wait.
 */
export async function waitUntil<T>(
  condition: () => Promise<T | undefined>,
  { timeoutMs, pauseMs = 20 }: { timeoutMs: number; pauseMs?: number },
): Promise<T | undefined> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined) return value;
    if (performance.now() >= deadline) return undefined;
    await Bun.sleep(pauseMs);
  }
}
