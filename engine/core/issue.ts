/** What a schema library found wrong with a value, as far as a person needs to know. */
export interface Issue {
  readonly type: string;
  readonly message: string;
  /** In the library's words: `string`, `("a" | "b")`, `>=1`. */
  readonly expected: string | null;
  readonly received: string;
  readonly input: unknown;
}

const KINDS: ReadonlyMap<string, string> = new Map([
  ["string", "a text"],
  ["number", "a number"],
  ["boolean", "true or false"],
  ["Array", "a list"],
  ["Object", "an object"],
]);

/**
 * What is wrong, in our words. A rule that has words of its own keeps them; those of the library ("Invalid type: Expected
 * string but received 5") name types of its language, and quote a value that may be a secret.
 */
export function issueText(issue: Issue): string {
  const { type, message, expected, received } = issue;
  if (received === "undefined") return "is missing";
  if (expected === "never") return "is not known here";
  if (!/^Invalid [^:]+: (?:Expected .* but r|R)eceived /s.test(message)) return message;
  if (expected === null) return `is no ${type.replaceAll("_", " ")}`;
  if (type === "regex") return "has a form that is not accepted here";
  if (/^(?:min_length|max_length|non_empty)$/.test(type)) return lengthText(expected, issue.input);
  const choices = expected.replace(/^\((.*)\)$/s, "$1").split(" | ");
  const quoted = choices.map((choice) => /^"(.*)"$/s.exec(choice)?.[1]);
  if (choices.length > 1 && quoted.every((choice) => choice !== undefined)) return `is none of ${quoted.join(", ")}`;
  return `must be ${choices.map((choice) => KINDS.get(choice) ?? choice).join(" or ")}`;
}

/** `expected`: `<=500`, `>=2`, `!0`. The number alone would read as one of the value. */
function lengthText(expected: string, input: unknown): string {
  if (expected === ">=1" || expected === "!0") return "is empty";
  const [bound, length] = [expected.startsWith("<") ? "most" : "least", expected.slice(2)];
  const [one, more] = Array.isArray(input) ? ["entry", "entries"] : ["character", "characters"];
  return `must have at ${bound} ${length} ${length === "1" ? one : more}`;
}
