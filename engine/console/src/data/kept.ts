/**
 * A later answer, of whose parts those that have not changed are the same objects as before: what is drawn from one of
 * them need not be drawn again. `before` and `after` are what JSON can say.
 */
export function withKept<T>(before: unknown, after: T): T {
  if (Object.is(before, after)) return after;
  if (Array.isArray(before) && Array.isArray(after)) {
    const parts = after.map((part, index) => withKept<unknown>(before[index], part));
    return (isSame(before, parts) ? before : parts) as T;
  }
  if (!isObject(before) || !isObject(after)) return after;
  const known = (name: string) => (Object.hasOwn(before, name) ? before[name] : undefined);
  const parts = Object.fromEntries(Object.entries(after).map(([name, part]) => [name, withKept(known(name), part)]));
  const same =
    Object.keys(before).length === Object.keys(parts).length &&
    Object.entries(parts).every(([name, part]) => Object.is(known(name), part));
  return (same ? before : parts) as T;
}

/** Whether two lists hold the same. */
export function isSame(before: readonly unknown[], after: readonly unknown[]): boolean {
  return before.length === after.length && after.every((part, index) => Object.is(part, before[index]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
