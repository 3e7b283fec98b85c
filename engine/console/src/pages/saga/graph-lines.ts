import type { GraphBox } from "../../data/shapes.ts";

/** About how wide a letter of a label is; Japanese ones are as wide as high. */
const LETTER = 7;
const WIDE_LETTER = 12;

/** Which line of a step's box says what it does: the one below its name, where it has one. */
export function whatAt({ lines, words }: Pick<GraphBox, "lines" | "words">): number {
  const second = words[1]?.word;
  return lines.length > 1 && second !== "deadline" && second !== "pivot" ? 1 : 0;
}

/** About how wide a text is beside a line; the engine has left room for it in English. */
export function widthOf(text: string): number {
  return [...text].reduce((sum, letter) => sum + (letter > "\u2E80" ? WIDE_LETTER : LETTER), 0);
}
