/** Control characters (C0, DEL, C1), what turns the direction of writing, and the line ends that only Unicode knows. */
const UNPRINTABLE = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu;

const SHORT: ReadonlyMap<string, string> = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

/**
 * A text for a terminal or a log, on one line. Whoever may start a saga chooses its key: raw, an escape sequence in it would
 * be obeyed by the terminal of the person who reads, and a line break would make a line that nobody wrote.
 */
export function oneLine(text: string): string {
  return text.replace(UNPRINTABLE, (found) => SHORT.get(found) ?? written(found));
}

/** The same of a text that has lines of its own: line feeds and tabs stay. JSON stays JSON, and means the same. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (found) => (found === "\n" || found === "\t" ? found : written(found)));
}

function written(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
