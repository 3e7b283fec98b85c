import type { Problem } from "./domain.ts";
import { NESTING_MAX } from "./plain-json.ts";
import { FORBIDDEN_KEYS } from "./template.ts";

/** Enough to mend a body; a hostile one must not make an answer larger than itself. */
export const PROBLEMS_MAX = 20;
/** Of a place so many characters: a key may be as long as the body, and stand in the place of every problem. */
const PLACE_MAX = 1_000;
const NUMBER = /-?[0-9][0-9.eE+-]*/y;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Finds what `JSON.parse` lets through but no message may carry: NUL characters, lone surrogates, numbers that change
 * when read, keys that are met twice or reach for a prototype, nesting over 64.
 * @param text JSON that `JSON.parse` has accepted; of anything else the result means nothing.
 */
export function scanJson(text: string): readonly Problem[] {
  const scan = new Scan(text);
  scan.value();
  return scan.problems;
}

class Scan {
  readonly problems: Problem[] = [];
  readonly #text: string;
  readonly #path: (string | number)[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** False: given up, because what follows would only repeat the finding or cost too much. */
  value(): boolean {
    switch (this.#peek()) {
      case "{":
        return this.#object();
      case "[":
        return this.#list();
      case '"':
        this.#checkText(this.#string(), "the text");
        break;
      case "t":
      case "n":
        this.#at += 4;
        break;
      case "f":
        this.#at += 5;
        break;
      default:
        this.#number();
    }
    return this.problems.length < PROBLEMS_MAX;
  }

  #object(): boolean {
    if (this.#isTooDeep()) return false;
    const seen = new Set<string>();
    this.#at += 1;
    while (this.#peek() !== "}") {
      const key = this.#string();
      this.#path.push(key);
      this.#checkKey(key, seen);
      this.#skip(":");
      if (!this.value()) return false;
      this.#path.pop();
      this.#skip(",");
    }
    this.#at += 1;
    return true;
  }

  #list(): boolean {
    if (this.#isTooDeep()) return false;
    this.#at += 1;
    for (let index = 0; this.#peek() !== "]"; index += 1) {
      this.#path.push(index);
      if (!this.value()) return false;
      this.#path.pop();
      this.#skip(",");
    }
    this.#at += 1;
    return true;
  }

  #isTooDeep(): boolean {
    if (this.#path.length < NESTING_MAX) return false;
    this.#add(`is nested deeper than ${NESTING_MAX} levels`);
    return true;
  }

  #string(): string {
    const start = this.#at;
    let escaped = false;
    for (this.#at += 1; this.#text.charCodeAt(this.#at) !== QUOTE; this.#at += 1) {
      if (this.#text.charCodeAt(this.#at) !== BACKSLASH) continue;
      escaped = true;
      this.#at += 1;
    }
    this.#at += 1;
    return escaped
      ? (JSON.parse(this.#text.slice(start, this.#at)) as string)
      : this.#text.slice(start + 1, this.#at - 1);
  }

  #number(): void {
    NUMBER.lastIndex = this.#at;
    const literal = NUMBER.exec(this.#text)?.[0] ?? "";
    this.#at += Math.max(1, literal.length);
    const problem = numberProblem(literal);
    if (problem !== undefined) this.#add(problem);
  }

  #checkKey(key: string, seen: Set<string>): void {
    if (seen.has(key)) this.#add("stands twice in its object");
    if (FORBIDDEN_KEYS.has(key)) this.#add("is a key that no message may have");
    seen.add(key);
    this.#checkText(key, "the key");
  }

  #checkText(text: string, what: string): void {
    if (text.includes("\u0000")) this.#add(`${what} holds a NUL character`);
    if (!text.isWellFormed()) this.#add(`${what} holds half of a surrogate pair`);
  }

  #add(message: string): void {
    this.problems.push({ path: shortPlace(pointer(this.#path)), message });
  }

  #peek(): string {
    while (" \t\n\r".includes(this.#text.charAt(this.#at)) && this.#at < this.#text.length) this.#at += 1;
    return this.#text.charAt(this.#at);
  }

  #skip(mark: string): void {
    if (this.#peek() === mark) this.#at += 1;
    this.#peek();
  }
}

/** Every double above 2^53 is an integer that may have been rounded, whatever its spelling. */
function numberProblem(literal: string): string | undefined {
  const value = Number(literal);
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) return "is a number beyond 2^53 - 1; send it as a text";
  const mantissa = literal.split(/[eE]/)[0] ?? "";
  return value === 0 && /[1-9]/.test(mantissa)
    ? "is a number too small to be told from 0; send it as a text"
    : undefined;
}

/** A place as it is told, cut where keys make it very long. */
export function shortPlace(path: string): string {
  return path.length > PLACE_MAX ? `${path.slice(0, PLACE_MAX)}…` : path;
}

/** A JSON pointer (RFC 6901) from its segments. */
export function pointer(segments: readonly (string | number)[]): string {
  return segments.map((segment) => `/${String(segment).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
