import { language } from "../../data/language.ts";
import type { GraphBox } from "../../data/shapes.ts";
import { t } from "./text.ts";

/** A text of a picture in the reader's language. What the author wrote stays as it is. */
export function wordsText(text: string, words: GraphBox["words"][number] | undefined): string {
  return language.value === "en" || !words ? text : t(`word_${words.word}`, { what: words.what });
}
