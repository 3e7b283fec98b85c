/** A rule that a value breaks, in the words of a schema library. */
export interface BrokenRule {
  /** `string`, `max_length`. */
  readonly type: string;
  /** `string`, `("a" | "b")`, `>=1`; null: its type says all. */
  readonly expected: string | null;
  readonly input: unknown;
}

/** What a schema library found wrong with a value, as far as a person needs to know. */
export interface Issue extends BrokenRule {
  readonly message: string;
  readonly received: string;
}

const KINDS: ReadonlyMap<string, string> = new Map([
  ["string", "a text"],
  ["number", "a number"],
  ["boolean", "true or false"],
  ["Array", "a list"],
  ["Object", "an object"],
]);

/** Rules whose names are no words for what they ask, or that are code: of those nothing is known. */
const RULES: ReadonlyMap<string, string> = new Map([
  ["integer", "must be a whole number"],
  ["safe_integer", "must be a whole number"],
  ["finite", "must be a finite number"],
  ["regex", "has a form that is not accepted here"],
  ["check", "is not accepted here"],
  ["partial_check", "is not accepted here"],
  ["raw_check", "is not accepted here"],
  ["custom", "is not accepted here"],
]);

/** Rules about a part of a text. */
const PARTS: ReadonlyMap<string, string> = new Map([
  ["starts_with", "start with"],
  ["ends_with", "end with"],
  ["includes", "contain"],
  ["excludes", "contain"],
]);

/** What is counted, one and more of it. */
const UNITS: ReadonlyMap<string, readonly [string, string]> = new Map([
  ["length", ["character", "characters"]],
  ["graphemes", ["character", "characters"]],
  ["words", ["word", "words"]],
  ["bytes", ["byte", "bytes"]],
  ["size", ["entry", "entries"]],
  ["entries", ["field", "fields"]],
]);

const COMPARISONS: readonly (readonly [RegExp, string])[] = [
  [/^>=/, "at least "],
  [/^<=/, "at most "],
  [/^>/, "more than "],
  [/^</, "less than "],
  [/^%/, "a multiple of "],
];

/**
 * What is wrong, in our words. A rule that has words of its own keeps them; those of the library ("Invalid type: Expected
 * string but received 5") name types of its language, and quote a value that may be a secret.
 */
export function issueText(issue: Issue): string {
  const { message, expected, received } = issue;
  if (received === "undefined") return "is missing";
  if (expected === "never") return "is not known here";
  if (!/^Invalid [^:]+: (?:Expected .* but r|R)eceived /s.test(message)) return message;
  return ruleText(issue);
}

/** The same of a rule alone, whatever words it has of its own: those of a domain's schema may quote the value. */
export function ruleText({ type, expected, input }: BrokenRule): string {
  const known = RULES.get(type);
  if (known !== undefined) return known;
  if (expected === null) return `is no ${type.replaceAll("_", " ")}`;
  if (type === "non_empty") return "is empty";
  const bare = expected.replace(/^!/, "");
  const must = bare === expected ? "must" : "must not";
  const part = PARTS.get(type);
  if (part !== undefined) return `${must} ${part} ${bare}`;
  const bound = COMPARISONS.reduce((text, [sign, words]) => text.replace(sign, words), bare);
  const counted = type.replace(/^(?:min|max|not)_/, "");
  const unit = UNITS.get(counted === "length" && Array.isArray(input) ? "size" : counted);
  if (unit === undefined) return bound === bare ? choicesText(bare, must) : `${must} be ${bound}`;
  // A number alone would read as one of the value.
  return expected === ">=1" ? "is empty" : `${must} have ${bound} ${unit[/\b1$/.test(bound) ? 0 : 1]}`;
}

function choicesText(expected: string, must: "must" | "must not"): string {
  const choices = expected.replace(/^\((.*)\)$/s, "$1").split(" | ");
  const quoted = choices.map((choice) => /^"(.*)"$/s.exec(choice)?.[1]);
  if (must === "must" && choices.length > 1 && quoted.every((choice) => choice !== undefined)) {
    return `is none of ${quoted.join(", ")}`;
  }
  return `${must} be ${choices.map((choice) => KINDS.get(choice) ?? choice).join(" or ")}`;
}
