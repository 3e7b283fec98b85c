import { createHash } from "node:crypto";

import type { Json } from "../../core/json.ts";
import { canonical } from "../../timeline/idempotency.ts";

/**
 * Idempotency-Keys of lines: made of what is asked for, the line's value and how often that value has come before.
 * So the same file gives the same keys in every run, whatever the order of fields, spaces or line endings, and two
 * equal lines are two requests.
 */
export class LineKeys {
  readonly #scope: string;
  readonly #seen = new Map<number, number>();

  /** `scope`: what is asked for, and what else tells one run over a file from another. */
  constructor(scope: Json) {
    this.#scope = canonical(scope);
  }

  next(value: Json): string {
    const digest = createHash("sha256")
      .update(`${this.#scope}\n${canonical(value)}`)
      .digest();
    // Six bytes of it are enough to count by, and a tenth of the memory of the text: should two lines ever share them,
    // the second gets the number 2 in every run alike, and its key is its own all the same.
    const short = digest.readUIntBE(0, 6);
    const count = (this.#seen.get(short) ?? 0) + 1;
    this.#seen.set(short, count);
    return `line-${digest.toString("base64url")}-${count}`;
  }
}
