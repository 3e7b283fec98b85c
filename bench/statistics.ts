/** The middle of some values; of an even number, the lower one of the two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}

/** `median (smallest–largest)`, or the one value there is. */
export function spread(values: readonly number[], digits = 0): string {
  const middle = amount(median(values), digits);
  if (values.length < 2) return middle;
  return `${middle} (${amount(Math.min(...values), digits)}–${amount(Math.max(...values), digits)})`;
}

/** A number as tables show it: `4,019`, `0.42`. */
export function amount(value: number, digits = 0): string {
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
