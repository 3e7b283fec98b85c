/** A file with thousands of names and as many slips must not take long to refuse. */
const CANDIDATES_MAX = 300;

/** "Did you mean" for a misspelt word; undefined when nothing known is close. */
export function suggest(word: string, known: Iterable<string>): string | undefined {
  const best = nearest(word, known);
  return best === undefined ? undefined : `Did you mean \`${best}\`?`;
}

/** The known word that a misspelt one was meant to be. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  let candidates = 0;
  for (const candidate of known) {
    if (candidates++ >= CANDIDATES_MAX) break;
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** The suggestion, or the list of what is known. */
export function suggestOrList(word: string, known: Iterable<string>): string {
  const names = [...known];
  if (names.length === 0) return "Nothing is known here.";
  return suggest(word, names) ?? `Known here: ${names.slice(0, 20).join(", ")}${names.length > 20 ? ", …" : ""}.`;
}

/** Levenshtein distance with a swap of neighbours counted once: `iput`, `inptu`, `inputt` are all one away. */
function editDistance(from: string, to: string): number {
  // A word from a file may be long; nothing that long is a near miss of a key.
  if (Math.abs(from.length - to.length) > 8 || from.length > 64) return Number.POSITIVE_INFINITY;
  const rows: number[][] = [Array.from({ length: to.length + 1 }, (_, column) => column)];
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) current.push(cell(rows, current, from, to, row, column));
    rows.push(current);
  }
  return rows[from.length]?.[to.length] ?? Number.POSITIVE_INFINITY;
}

function cell(
  rows: readonly number[][],
  current: number[],
  from: string,
  to: string,
  row: number,
  column: number,
): number {
  const above = rows[row - 1] ?? [];
  const cost = from[row - 1] === to[column - 1] ? 0 : 1;
  const plain = Math.min((above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, (above[column - 1] ?? 0) + cost);
  const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
  return swapped ? Math.min(plain, (rows[row - 2]?.[column - 2] ?? 0) + 1) : plain;
}
