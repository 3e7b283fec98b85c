import type { Json } from "../core/json.ts";
import type { Kind } from "./expression-functions.ts";

/** Why an expression failed on these data. The evaluator adds which one it was. */
export class EvaluationProblem extends Error {}

/** Nested macros over long lists would block the dispatcher; counted, not timed, so that it fails everywhere alike. */
const WORK_MAX = 200_000;
/** As a message body: nothing longer could be sent anyway. */
const TEXT_MAX = 256 * 1024;

/** What one evaluation may still do. */
export class Work {
  #left = WORK_MAX;

  /** @throws EvaluationProblem when the expression has used up its work. */
  charge(amount: number): void {
    this.#left -= amount;
    if (this.#left < 0) throw new EvaluationProblem("the expression works too long on these data");
  }

  /** Copying and comparing cost too: one could multiply a long list by itself. 16 characters are one item. */
  chargeFor(value: Json): void {
    if (typeof value === "string") this.charge(value.length >> 4);
    else if (Array.isArray(value)) this.charge(value.length);
  }
}

/**
 * What an operation makes of texts that were sound: it may be longer than a message can be, or cut through a character.
 * @throws EvaluationProblem when no message could carry it.
 */
export function limited(value: Json): Json {
  if (typeof value === "string") checkText(value);
  else if (Array.isArray(value)) for (const item of value) if (typeof item === "string") checkText(item);
  return value;
}

function checkText(text: string): void {
  if (text.length > TEXT_MAX) throw new EvaluationProblem("the text becomes too long");
  if (!text.isWellFormed()) throw new EvaluationProblem("a character outside the BMP (an emoji, say) is cut in half");
}

export function kindOf(value: Json): Kind | "null" {
  if (value === null) return "null";
  if (Array.isArray(value)) return "list";
  if (typeof value === "object") return "object";
  if (typeof value === "string") return "string";
  return typeof value === "number" ? "number" : "boolean";
}

/** The kind with its article, for messages. Never the value: it may be what `sensitive` hides. */
export function nameOf(value: Json): string {
  const kind = kindOf(value);
  return kind === "null" ? kind : kind === "object" ? "an object" : `a ${kind}`;
}
