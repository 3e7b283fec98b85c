/** Characters after which a slash begins a regular expression, not a division. */
const BEFORE_REGEX = /[(,=:[!&|?{};+\-*%~^<>]$|\b(?:return|typeof|case|in|of|do|else|void|await)$|^$/;

/**
 * The source with comments and the insides of strings, templates and regular expressions replaced by blanks: offsets
 * and lines stay, quotes stay. What is searched in it cannot be fooled by a comment or a text. Code inside `${ }` stays.
 */
export function codeOf(source: string): string {
  const blank = new Blanker(source);
  blank.code(undefined);
  return blank.text();
}

class Blanker {
  readonly #source: string;
  readonly #out: string[];
  #at = 0;

  constructor(source: string) {
    this.#source = source;
    this.#out = source.split("");
  }

  text(): string {
    return this.#out.join("");
  }

  /** Reads code up to the brace that closes it, or to the end. */
  code(until: "}" | undefined): void {
    let depth = 0;
    let before = "";
    for (; this.#at < this.#source.length; this.#at++) {
      const char = this.#source[this.#at] as string;
      const next = this.#source[this.#at + 1];
      if (char === until && depth === 0) return;
      if (char === "{") depth++;
      if (char === "}") depth--;
      if (char === "/" && next === "/") this.#blankTo(/\n|$/g, false);
      else if (char === "/" && next === "*") this.#blankTo(/\*\//g, true);
      else if (char === '"' || char === "'") this.#string(char);
      else if (char === "`") this.#template();
      else if (char === "/" && BEFORE_REGEX.test(before.trimEnd())) this.#regex();
      else before = (before + char).slice(-12);
    }
  }

  #blankTo(end: RegExp, inclusive: boolean): void {
    end.lastIndex = this.#at + 2;
    const found = end.exec(this.#source);
    const stop = found === null ? this.#source.length : found.index + (inclusive ? found[0].length : 0);
    this.#blank(this.#at, stop);
    this.#at = stop - 1;
  }

  #string(quote: string): void {
    const from = this.#at + 1;
    for (this.#at = from; this.#at < this.#source.length && this.#source[this.#at] !== quote; this.#at++) {
      if (this.#source[this.#at] === "\\") this.#at++;
    }
    this.#blank(from, this.#at);
  }

  #template(): void {
    let from = this.#at + 1;
    for (this.#at = from; this.#at < this.#source.length && this.#source[this.#at] !== "`"; this.#at++) {
      if (this.#source[this.#at] === "\\") this.#at++;
      else if (this.#source.startsWith("${", this.#at)) {
        this.#blank(from, this.#at);
        this.#at += 2;
        this.code("}");
        from = this.#at + 1;
      }
    }
    this.#blank(from, this.#at);
  }

  #regex(): void {
    const from = this.#at + 1;
    let inClass = false;
    for (this.#at = from; this.#at < this.#source.length; this.#at++) {
      const char = this.#source[this.#at];
      if (char === "\\") this.#at++;
      else if (char === "[") inClass = true;
      else if (char === "]") inClass = false;
      else if ((char === "/" && !inClass) || char === "\n") break;
    }
    this.#blank(from, this.#at);
  }

  #blank(from: number, to: number): void {
    for (let at = from; at < to && at < this.#out.length; at++) if (this.#out[at] !== "\n") this.#out[at] = " ";
  }
}

/** Line of an offset, from 1. */
export function lineAt(source: string, offset: number): number {
  return source.slice(0, offset).split("\n").length;
}
