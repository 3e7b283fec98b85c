import { language } from "../../data/language.ts";
import type { GraphBox } from "../../data/shapes.ts";
import { whatAt } from "./graph-lines.ts";
import { t } from "./text.ts";

type Words = GraphBox["words"][number] | undefined;

/** A text of a picture in the reader's language. What the author wrote stays as it is. */
export function wordsText(text: string, words: Words): string {
  return language.value === "en" || !words ? text : t(`word_${words.word}`, { what: words.what });
}

/** All that a box says. */
export function linesOf({ lines, words }: Pick<GraphBox, "lines" | "words">): string[] {
  return lines.map((line, index) => wordsText(line, words[index]));
}

/** What a step does. */
export function whatOf(box: Pick<GraphBox, "lines" | "words">): string {
  return linesOf(box)[whatAt(box)] ?? "";
}
