/** A piece of a line and what it is. */
export interface Piece {
  readonly text: string;
  readonly kind: "plain" | "key" | "comment" | "text" | "expression" | "value" | "error" | "warning";
}

const TOKEN =
  /(\$\{[^}]*\}?)|((?:^|\s)#.*$)|("(?:[^"\\]|\\.)*"?|'(?:[^']|'')*'?)|(?<=^[\s-]*)([\w.-]+(?=:(?:\s|$)))|(?<=[{,]\s*)([\w.-]+(?=:\s))|(?<=[\s[,])(true|false|null|~|-?\d[\w.]*)(?=[\s,\]}]|$)/g;

/** A line of YAML in pieces, enough to read it by; no parser. */
export function piecesOf(line: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const match of line.matchAll(TOKEN)) {
    const [text, expression, comment, quoted, key, inner] = match;
    if (match.index > from) pieces.push({ text: line.slice(from, match.index), kind: "plain" });
    const kind =
      expression !== undefined
        ? "expression"
        : comment !== undefined
          ? "comment"
          : quoted !== undefined
            ? "text"
            : key !== undefined || inner !== undefined
              ? "key"
              : "value";
    pieces.push({ text, kind });
    from = match.index + text.length;
  }
  if (from < line.length) pieces.push({ text: line.slice(from), kind: "plain" });
  return pieces;
}

/** The pieces with what stands at a column, from 1, marked: up to the next space, one letter at least. */
export function marked(pieces: readonly Piece[], column: number, kind: "error" | "warning"): readonly Piece[] {
  const line = pieces.map(({ text }) => text).join("");
  const start = Math.max(0, Math.min(column - 1, line.length));
  const length = /^[^\s,\]}]+/.exec(line.slice(start))?.[0].length ?? 1;
  const end = start + length;
  const before: Piece[] = [];
  const after: Piece[] = [];
  let at = 0;
  for (const piece of pieces) {
    const [left, right] = [piece.text.slice(0, Math.max(0, start - at)), piece.text.slice(Math.max(0, end - at))];
    if (left !== "") before.push({ ...piece, text: left });
    if (right !== "") after.push({ ...piece, text: right });
    at += piece.text.length;
  }
  // At the end of a line there is nothing to mark but a space.
  return [...before, { text: line.slice(start, end) || " ", kind }, ...after];
}
