import type { Diagnostic } from "./diagnostic.ts";

/** A diagnostic for people: place and message, the line with a caret under the fault, and the fix. */
export function renderDiagnostic(file: string, source: string, diagnostic: Diagnostic): string {
  const { severity, message, hint } = diagnostic;
  return `${renderPlace(file, source, diagnostic, `${severity}: ${message}`)}\n  fix: ${hint}`;
}

/** What is to be said of a place: the place itself, the line, and a caret. */
export function renderPlace(
  file: string,
  source: string,
  { line, column }: Pick<Diagnostic, "line" | "column">,
  what: string,
): string {
  const text = (source.split(/\r?\n/)[line - 1] ?? "").replaceAll("\t", " ");
  const [shown, shift] = clip(text, column);
  const caret = `${padding(shown.slice(0, Math.max(0, column - 1 - shift)))}^`;
  return [`${file}:${line}:${column}: ${what}`, `  ${shown}`.trimEnd(), `  ${caret}`].join("\n");
}

/** Blanks as wide as the text: a terminal gives Japanese two columns a character. */
function padding(text: string): string {
  return text
    .replace(/[^\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/g, " ")
    .replace(/[^ ]/g, "\u3000");
}

const WIDTH_MAX = 160;

/** A very long line is cut around the caret. */
function clip(text: string, column: number): readonly [string, number] {
  if (text.length <= WIDTH_MAX) return [text, 0];
  const from = Math.max(0, column - WIDTH_MAX / 2);
  return [text.slice(from, from + WIDTH_MAX), from];
}
