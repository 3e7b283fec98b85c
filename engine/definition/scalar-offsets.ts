import type { Scalar } from "yaml";

/**
 * For each character of a string scalar's value: its offset in the file. Quotes, escapes, folded lines and the
 * indentation of block scalars make the two differ, and a caret under the wrong character is worse than none.
 */
export function scalarOffsets(source: string, scalar: Scalar, value: string): readonly number[] {
  const start = scalar.range?.[0] ?? 0;
  const block = scalar.type === "BLOCK_LITERAL" || scalar.type === "BLOCK_FOLDED";
  if (block) return blockOffsets(source, value, source.indexOf("\n", start) + 1, scalar.type === "BLOCK_LITERAL");
  const quoted = scalar.type === "QUOTE_DOUBLE" || scalar.type === "QUOTE_SINGLE";
  return flowOffsets(source, value, quoted ? start + 1 : start, scalar.type ?? "PLAIN");
}

function flowOffsets(source: string, value: string, start: number, type: string): readonly number[] {
  const offsets: number[] = [];
  let raw = start;
  while (offsets.length < value.length) {
    const escaped = type === "QUOTE_DOUBLE" ? escapeAt(source, raw) : undefined;
    if (escaped !== undefined) {
      if (escaped.gives) offsets.push(raw);
      raw += escaped.length;
    } else if (type === "QUOTE_SINGLE" && source.startsWith("''", raw)) {
      offsets.push(raw);
      raw += 2;
    } else {
      raw = plainStep(source, raw, offsets, value);
    }
    if (raw > source.length) break;
  }
  return offsets;
}

/** One character, or one run of white space with line ends in it, which YAML folds to a space or to fewer line ends. */
function plainStep(source: string, raw: number, offsets: number[], value: string): number {
  const run = /^[ \t]*\r?\n\s*/.exec(source.slice(raw, raw + 512))?.[0];
  if (run === undefined) {
    offsets.push(raw);
    return raw + 1;
  }
  const lineEnds = run.split("\n").length - 1;
  const folded = Math.min(Math.max(1, lineEnds - 1), value.length - offsets.length);
  for (let count = 0; count < folded; count++) offsets.push(raw);
  return raw + run.length;
}

function escapeAt(source: string, raw: number): { readonly length: number; readonly gives: boolean } | undefined {
  if (source[raw] !== "\\") return undefined;
  const continued = /^\\[ \t]*\r?\n[ \t]*/.exec(source.slice(raw, raw + 512))?.[0];
  if (continued !== undefined) return { length: continued.length, gives: false };
  const digits = { x: 2, u: 4, U: 8 }[source[raw + 1] ?? ""] ?? 0;
  return { length: 2 + digits, gives: true };
}

function blockOffsets(source: string, value: string, start: number, literal: boolean): readonly number[] {
  // The header may say the indentation (`|2`); what goes beyond it is text, and stands in the value.
  const indent = leadingSpaces(source.slice(start)) - leadingSpaces(value);
  const offsets: number[] = [];
  let raw = skipIndent(source, start, indent);
  while (offsets.length < value.length && raw <= source.length) {
    offsets.push(raw);
    raw = nextLineOrCharacter(source, raw, indent);
    // Folding drops one line end of several: the first one gives no character of its own.
    if (!literal && lineEndAt(source, raw) > 0 && value[offsets.length] !== "\n")
      raw = nextLineOrCharacter(source, raw, indent);
  }
  return offsets;
}

function leadingSpaces(text: string): number {
  return /^(?:[ \t]*\r?\n)*( *)/.exec(text)?.[1]?.length ?? 0;
}

function nextLineOrCharacter(source: string, raw: number, indent: number): number {
  const lineEnd = lineEndAt(source, raw);
  return lineEnd === 0 ? raw + 1 : skipIndent(source, raw + lineEnd, indent);
}

/** Length of the line end that stands here, 0 for none. */
function lineEndAt(source: string, raw: number): number {
  if (source[raw] === "\n") return 1;
  return source.startsWith("\r\n", raw) ? 2 : 0;
}

function skipIndent(source: string, raw: number, indent: number): number {
  let skipped = 0;
  while (skipped < indent && source[raw + skipped] === " ") skipped++;
  return raw + skipped;
}
