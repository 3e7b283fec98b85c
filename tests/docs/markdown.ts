/** A fenced block of a Markdown file. */
export interface Block {
  readonly language: string;
  readonly text: string;
  /** Line of its first line, from 1. */
  readonly line: number;
}

/** The fenced blocks of a Markdown text, in order. */
export function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map((match) => ({
    language: match[1] ?? "",
    text: match[2] ?? "",
    line: markdown.slice(0, match.index).split("\n").length + 1,
  }));
}

/** Lines of an expected output that do not occur in `output`, in this order. `…` stands for anything. */
export function missingLines(expected: string, output: string): string[] {
  let rest = output;
  return expected.split("\n").filter((line) => {
    if (line.trim() === "") return false;
    const pattern = line
      .split("…")
      .map((part) => RegExp.escape(part))
      .join("[^\\n]*");
    const found = new RegExp(pattern).exec(rest);
    if (found === null) return true;
    rest = rest.slice(found.index + found[0].length);
    return false;
  });
}
