/** A line that stayed, went or came. */
export interface DiffLine {
  readonly kind: "same" | "gone" | "come";
  readonly text: string;
}

/** Longer texts are compared by their ends only: the middle is shown as gone and come. */
const COMPARED_MAX = 400;

/** What changed, line by line. */
export function diffOf(before: string, after: string): readonly DiffLine[] {
  const [a, b] = [before.split("\n"), after.split("\n")];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail += 1;
  const middle = middleOf(a.slice(head, a.length - tail), b.slice(head, b.length - tail));
  return [...same(a.slice(0, head)), ...middle, ...same(a.slice(a.length - tail))];
}

function same(lines: readonly string[]): DiffLine[] {
  return lines.map((text) => ({ kind: "same", text }));
}

/** The longest common subsequence keeps most lines. */
function middleOf(a: readonly string[], b: readonly string[]): DiffLine[] {
  if (a.length > COMPARED_MAX || b.length > COMPARED_MAX) {
    return [
      ...a.map((text) => ({ kind: "gone", text }) as const),
      ...b.map((text) => ({ kind: "come", text }) as const),
    ];
  }
  const kept = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  const at = (i: number, j: number) => kept[i]?.[j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      (kept[i] as number[])[j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ kind: "same", text: a[i] as string });
      i += 1;
      j += 1;
    } else if (j >= b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ kind: "gone", text: a[i] as string });
      i += 1;
    } else {
      lines.push({ kind: "come", text: b[j] as string });
      j += 1;
    }
  }
  return lines;
}
