import { language } from "../../data/language.ts";
import type { GraphBox } from "../../data/shapes.ts";
import { t } from "./text.ts";

type Word = Extract<Parameters<typeof t>[0], `box${string}`>;

/** What the engine writes into a box of a kind, and by which word it is said. No name of the author's has a space. */
const WORDS: readonly (readonly [kind: string, written: RegExp, word: Word])[] = [
  ["start", /^version (.+)$/, "boxVersion"],
  ["start", /^starts on (.+)$/, "boxStartsOn"],
  ["start", /^starts at (.+)$/, "boxStartsAt"],
  ["completed", /^completed$/, "boxCompleted"],
  ["wait", /^wait for (.+)$/, "boxWait"],
  ["notify", /^notify (.+)$/, "boxNotify"],
  ["sleep", /^sleep until (.+)$/, "boxSleepUntil"],
  ["sleep", /^sleep (.+)$/, "boxSleep"],
  ["set", /^set (.+)$/, "boxSet"],
  ["saga", /^saga (.+)$/, "boxSaga"],
  ["join", /^all items$/, "boxAllItems"],
  ["join", /^all$/, "boxAll"],
  ["join", /^the first, others are undone$/, "boxFirst"],
  ["command", /^pivot: from here forward only$/, "boxPivot"],
];

/** A line of a box in the reader's language. What the author wrote stays as it is. */
export function lineText({ kind }: Pick<GraphBox, "kind">, line: string): string {
  if (language.value === "en") return line;
  const deadline = /^deadline (\w+)$/.exec(line)?.[1];
  if (deadline !== undefined) return t("boxDeadline", { what: deadline });
  for (const [of, written, word] of WORDS) {
    const match = of === kind ? written.exec(line) : null;
    if (match !== null) return t(word, { what: match[1] ?? "" });
  }
  return line;
}
