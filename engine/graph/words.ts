/** A text of a picture. */
export interface Text {
  readonly text: string;
  /** The engine's own words in it, which can be said in another language; null: the author's. */
  readonly said: Said | null;
}

/** Words of the engine's, and what of the author's stands in them. */
export interface Said {
  readonly word: Word;
  readonly what: string;
}

/** What the engine itself writes into pictures; `{what}` is the author's. */
const WORDS = {
  version: "version {what}",
  startsOn: "starts on {what}",
  startsAt: "starts at {what}",
  deadline: "deadline {what}",
  completed: "completed",
  wait: "wait for {what}",
  notify: "notify {what}",
  sleep: "sleep {what}",
  sleepUntil: "sleep until {what}",
  sleepUntilDate: "sleep until a date",
  set: "set {what}",
  saga: "saga {what}",
  fail: "fail {what}",
  end: "end {what}",
  choose: "choose",
  parallel: "parallel",
  each: "each {what}",
  allItems: "all items",
  all: "all",
  first: "the first, others are undone",
  pivot: "pivot: from here forward only",
  optional: "optional",
  yes: "yes",
  no: "no",
  else: "else",
  catch: "catch {what}",
  oneByOne: "one by one",
  atOnce: "{what} at once",
  undo: "undo",
} as const;

export type Word = keyof typeof WORDS;

/** Their names. */
export const WORD_NAMES = Object.keys(WORDS) as readonly Word[];

/** Words of the engine's. */
export function said(word: Word, what = ""): Text {
  return { text: WORDS[word].replace("{what}", () => what), said: { word, what } };
}

/** What the author wrote. */
export function written(text: string): Text {
  return { text, said: null };
}
