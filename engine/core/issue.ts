/** What a schema library found wrong with a value, as far as a person needs to know. */
export interface Issue {
  readonly type: string;
  readonly message: string;
  /** In the library's words: `string`, `("a" | "b")`, `>=1`. */
  readonly expected: string | null;
  readonly received: string;
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
export function issueText({ type, message, expected, received }: Issue): string {
  if (received === "undefined") return "is missing";
  if (expected === "never") return "is not known here";
  if (!/^Invalid [^:]+: (?:Expected .* but r|R)eceived /s.test(message)) return message;
  if (expected === null) return `is no ${type.replaceAll("_", " ")}`;
  const choices = expected.replace(/^\((.*)\)$/s, "$1").split(" | ");
  const quoted = choices.map((choice) => /^"(.*)"$/s.exec(choice)?.[1]);
  if (choices.length > 1 && quoted.every((choice) => choice !== undefined)) return `is none of ${quoted.join(", ")}`;
  return `must be ${choices.map((choice) => KINDS.get(choice) ?? choice).join(" or ")}`;
}
