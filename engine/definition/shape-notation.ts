import type { Shape } from "../core/definition.ts";
import { FORBIDDEN_KEYS } from "../core/template.ts";
import { suggestOrList } from "./suggest.ts";

/** A shape string that cannot be read. `at` is the offset of the fault in the string. */
export class ShapeNotationError extends Error {
  constructor(
    readonly at: number,
    message: string,
    readonly hint: string,
  ) {
    super(message);
    this.name = "ShapeNotationError";
  }
}

const WORDS = ["string", "number", "integer", "boolean", "date", "object", "any", "list"] as const;
const DEPTH_MAX = 20;

/** What other languages call a shape, and none of it near a word of ours. */
const OTHERS: ReadonlyMap<string, (typeof WORDS)[number]> = new Map([
  ...["bool", "flag"].map((word) => [word, "boolean"] as const),
  ...["text", "str", "varchar", "uuid"].map((word) => [word, "string"] as const),
  ...["int", "long", "bigint"].map((word) => [word, "integer"] as const),
  ...["float", "double", "decimal", "numeric"].map((word) => [word, "number"] as const),
  ...["array", "set"].map((word) => [word, "list"] as const),
  ...["map", "dict", "record", "struct", "json"].map((word) => [word, "object"] as const),
  ...["time", "datetime", "timestamp"].map((word) => [word, "date"] as const),
]);

/**
 * Reads `string(1..40)`, `integer(18..120)?`, `list<string>(..10)`, `[own, rent]`, `{ name: string }`.
 * @throws ShapeNotationError
 */
export function parseShapeNotation(text: string): Shape {
  const reader = new ShapeReader(text);
  const shape = reader.shape(0);
  reader.end();
  return shape;
}

class ShapeReader {
  #at = 0;

  constructor(readonly text: string) {}

  shape(depth: number): Shape {
    if (depth > DEPTH_MAX) throw this.#fault("the shape is nested too deep", "Flatten it.");
    const base = this.#base(depth);
    return this.#accept("?") ? { ...base, optional: true } : base;
  }

  end(): void {
    this.#space();
    if (this.#at < this.text.length) {
      throw this.#fault(`unexpected \`${this.text.slice(this.#at)}\``, "A shape looks like string(1..40) or integer?.");
    }
  }

  #base(depth: number): Shape {
    if (this.#accept("[")) return { kind: "enum", optional: false, values: this.#values() };
    if (this.#accept("{")) return { kind: "object", optional: false, fields: this.#fields(depth) };
    const start = this.#at;
    const word = this.#take(/[A-Za-z]+/y);
    switch (word) {
      case "string":
        return { kind: "string", optional: false, ...this.#bounds(true, 0) };
      case "number":
        return { kind: "number", optional: false, ...this.#bounds(false) };
      case "integer":
        return { kind: "integer", optional: false, ...this.#bounds(true) };
      case "list":
        return { kind: "list", optional: false, item: this.#item(depth), ...this.#bounds(true, 0) };
      case "boolean":
      case "date":
      case "any":
      case "object":
        return { kind: word, optional: false };
      default:
        this.#at = start;
        throw this.#fault(`there is no shape \`${word}\``, meant(word));
    }
  }

  #item(depth: number): Shape {
    this.#expect("<", "A list names its items: list<string>.");
    const item = this.shape(depth + 1);
    this.#expect(">", "A list ends with `>`: list<string>.");
    return item;
  }

  #values(): readonly string[] {
    const values: string[] = [];
    do {
      values.push(this.#take(/[^,\]\s][^,\]]*/y).trim());
    } while (this.#accept(","));
    this.#expect("]", "An enum looks like [own, rent, free].");
    if (values.includes("") || new Set(values).size < values.length) {
      throw this.#fault("an enum's values must be present and different", "Write each value once: [own, rent].");
    }
    return values;
  }

  #fields(depth: number): Readonly<Record<string, Shape>> {
    const fields: Record<string, Shape> = {};
    while (!this.#accept("}")) {
      const name = this.#take(/[A-Za-z_][A-Za-z0-9_]*/y);
      if (name === "" || FORBIDDEN_KEYS.has(name)) throw this.#fault("a field name is expected", "{ name: string }");
      const optional = this.#accept("?");
      this.#expect(":", "A field looks like name: string.");
      const shape = this.shape(depth + 1);
      fields[name] = optional ? { ...shape, optional: true } : shape;
      if (!this.#accept(",")) {
        this.#expect("}", "Fields are separated by commas and end with `}`.");
        break;
      }
    }
    return fields;
  }

  #bounds(whole: boolean, least = Number.NEGATIVE_INFINITY): { readonly min?: number; readonly max?: number } {
    const start = this.#at;
    if (!this.#accept("(")) return {};
    const inside = this.#take(/[^)]*/y).trim();
    this.#expect(")", "Bounds look like (1..40), (1..), (..40) or (8).");
    const match = /^(-?\d+(?:\.\d+)?)?\s*(\.\.)?\s*(-?\d+(?:\.\d+)?)?$/.exec(inside);
    const [, low, dots, high] = match ?? [];
    const [from, to] = [low, dots === undefined ? low : high].map((each) =>
      each === undefined ? undefined : Number(each),
    );
    const bounds = [from, to].filter((each) => each !== undefined);
    const sound = bounds.length > 0 && bounds.every((each) => each >= least && (!whole || Number.isSafeInteger(each)));
    const turned = (from ?? Number.NEGATIVE_INFINITY) > (to ?? Number.POSITIVE_INFINITY);
    if (!sound || turned) this.#at = start;
    if (!sound) throw this.#fault(`\`(${inside})\` are no bounds`, "Bounds look like (1..40), (1..), (..40) or (8).");
    if (turned) throw this.#fault(`\`(${inside})\` has its bounds the wrong way round`, `Write (${high}..${low}).`);
    return { ...(from === undefined ? {} : { min: from }), ...(to === undefined ? {} : { max: to }) };
  }

  #space(): void {
    while (/\s/.test(this.text[this.#at] ?? "")) this.#at++;
  }

  #accept(token: string): boolean {
    this.#space();
    if (!this.text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  #expect(token: string, hint: string): void {
    if (!this.#accept(token)) throw this.#fault(`\`${token}\` is expected`, hint);
  }

  #take(pattern: RegExp): string {
    this.#space();
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  #fault(message: string, hint: string): ShapeNotationError {
    return new ShapeNotationError(this.#at, message, hint);
  }
}

function meant(word: string): string {
  const ours = OTHERS.get(word.toLowerCase());
  return ours === undefined ? suggestOrList(word, WORDS) : `Did you mean \`${ours}\`?`;
}
