/** First words of statements that end a transaction, begin one, or nest in one. */
const WORDS = new Set(["commit", "rollback", "begin", "start", "end", "abort", "savepoint", "release"]);
const FIRST = /^\s*([a-z]+)\b/i;
/** Comments to the end of the line, strings, names in quotes, bodies in dollars, words, and anything else. */
const TOKEN =
  /--[^\n]*|e'(?:[^'\\]|''|\\[\s\S])*'|'[^']*'|"[^"]*"|(\$(?:[a-z_]\w*)?\$)[\s\S]*?\1|[a-z_][\w$]*|[^\s\w]|\w+/iy;
/** Comments nest, which no pattern follows. */
const COMMENT_EDGE = /\/\*|\*\//g;

/**
 * The words by which a statement of this text would end or nest its transaction. `simple`: it goes as text, so that it may
 * hold several.
 */
export function transactionWord(text: string, simple: boolean): string | undefined {
  const first = FIRST.exec(text)?.[1]?.toLowerCase();
  // Nearly all of them: one look at the first word, since this is asked for every statement of every handler.
  const isPlain = first !== undefined && first !== "prepare" && !WORDS.has(first);
  if (isPlain && !(simple && text.includes(";"))) return undefined;
  return wordWithin(text);
}

function wordWithin(text: string): string | undefined {
  /** Of the statement so far. */
  let first = "";
  let last = "";
  for (let at = 0; at < text.length; ) {
    if (text.startsWith("/*", at)) {
      at = commentEnd(text, at);
      continue;
    }
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text)?.[0].toLowerCase();
    at += token?.length ?? 1;
    if (token === undefined || token.startsWith("--")) continue;
    if (first === "" && WORDS.has(token)) return token;
    if (first === "prepare" && last === "prepare" && token === "transaction") return "prepare transaction";
    // The body of a function in plain SQL ends with `end`, and holds whole statements.
    if (first === "create" && last === "begin" && token === "atomic") return undefined;
    last = token === ";" ? "" : token;
    if (token === ";" || first === "") first = last;
  }
  return undefined;
}

/** Behind a comment that begins at `from`. */
function commentEnd(text: string, from: number): number {
  COMMENT_EDGE.lastIndex = from;
  let depth = 0;
  for (let edge = COMMENT_EDGE.exec(text); edge !== null; edge = COMMENT_EDGE.exec(text)) {
    depth += edge[0] === "/*" ? 1 : -1;
    if (depth === 0) return COMMENT_EDGE.lastIndex;
  }
  return text.length;
}
