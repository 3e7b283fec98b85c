/** A statement that a handler has made, as the driver has it. */
export interface Made {
  readonly strings: readonly string[];
  /** It is sent, or will be in a moment: somebody awaited it. */
  readonly executed: boolean;
  /** It went as a part of another one. */
  readonly fragment?: boolean;
  /** Rows are read in portions; whoever reads may stop, and its promise tells nothing. */
  readonly cursorFn?: unknown;
  readonly streaming?: boolean;
}

/** What a handler has left behind when it returned. */
export interface LeftBehind {
  /** `pending`: sent and not answered. `unsent`: never sent, and it would have written. `unread`: never sent, a query. */
  readonly kind: "pending" | "unsent" | "unread";
  /** How the statement begins. */
  readonly words: string;
}

const LEADING = /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)+/;
const WRITES = /^(?:insert|update|delete|merge|call|truncate|copy)\b/i;
const READS = /^(?:select|with)\b/i;
/** Of a `with`. */
const WRITES_WITHIN = /\b(?:insert\s+into|delete\s+from|merge\s+into|update\s+[\w."]+\s+(?:as\s+\w+\s+)?set)\b/i;
const WORDS_MAX = 60;

/** The worst of what is left of these statements; a part of a statement that was never needed is none. */
export function leftBehind(made: Iterable<Made>): LeftBehind | undefined {
  let unread: LeftBehind | undefined;
  for (const one of made) {
    const kind = kindOf(one);
    if (kind === undefined) continue;
    const left: LeftBehind = { kind, words: wordsOf(one) };
    if (kind !== "unread") return left;
    unread ??= left;
  }
  return unread;
}

function kindOf(made: Made): LeftBehind["kind"] | undefined {
  if (made.cursorFn !== undefined || made.streaming === true || made.fragment === true) return undefined;
  // Asked of the promise itself, so that a statement costs nothing more while it runs.
  if (made.executed) return Bun.peek.status(made) === "pending" ? "pending" : undefined;
  const text = made.strings.join(" ").replace(LEADING, "");
  if (WRITES.test(text)) return "unsent";
  if (!READS.test(text)) return undefined;
  return /^with\b/i.test(text) && WRITES_WITHIN.test(text) ? "unsent" : "unread";
}

/** No further than its first literal: what stands there may be anybody's data. */
function wordsOf({ strings }: Made): string {
  const text = strings
    .join("…")
    .replace(LEADING, "")
    .replace(/'[\s\S]*$/, "");
  return text.replace(/\s+/g, " ").trim().slice(0, WORDS_MAX);
}
