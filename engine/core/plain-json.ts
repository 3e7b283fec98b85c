import type { Json } from "./json.ts";
import { BODY_MAX } from "./size.ts";
import { FORBIDDEN_KEYS } from "./template.ts";

/** Deepest nesting of lists and objects in what the engine takes in. */
export const NESTING_MAX = 64;

/** A value as plain JSON of its own, or where it is none and why. */
export type PlainJson = { readonly value: Json } | { readonly path: string; readonly message: string };

/**
 * Copies a value that a handler made, and refuses what JSON would carry altered or the database not at all. A copy,
 * since what was checked must be what is written: the handler may still hold the object, and getters may answer anew.
 * A property that is `undefined` is absent, as in JSON. Never throws.
 */
export function plainJson(value: unknown): PlainJson {
  const copy = new Copy();
  try {
    return { value: copy.of(value, "", 0) };
  } catch (error) {
    if (error instanceof NotPlain) return { path: error.path, message: error.message };
    return { path: "", message: "cannot be read" };
  }
}

class NotPlain extends Error {
  readonly path: string;

  constructor(path: string, message: string) {
    super(message);
    this.path = path;
  }
}

class Copy {
  /** A lower bound of the bytes so far: enough to stop before a hostile value has cost much. */
  #size = 0;

  of(value: unknown, path: string, depth: number): Json {
    this.#grow(1, path);
    switch (typeof value) {
      case "boolean":
        return value;
      case "string":
        return this.#text(value, path, "the text");
      case "number":
        return numberOf(value, path);
      case "object":
        if (value === null) return null;
        if (depth >= NESTING_MAX) throw new NotPlain(path, `is nested deeper than ${NESTING_MAX} levels`);
        return Array.isArray(value) ? this.#list(value, path, depth) : this.#object(value, path, depth);
      default:
        throw new NotPlain(path, `is ${typeof value}, which JSON does not have`);
    }
  }

  #list(list: readonly unknown[], path: string, depth: number): Json {
    const copy: Json[] = [];
    for (let index = 0; index < list.length; index += 1) copy.push(this.of(list[index], `${path}/${index}`, depth + 1));
    return copy;
  }

  #object(object: object, path: string, depth: number): Json {
    const prototype: unknown = Object.getPrototypeOf(object);
    if (prototype !== Object.prototype && prototype !== null)
      throw new NotPlain(path, "is an object of a class (a Date, a Map, …); send plain data");
    const copy: Record<string, Json> = {};
    for (const [key, item] of Object.entries(object)) {
      if (item === undefined) continue;
      const at = `${path}/${key.slice(0, 100).replaceAll("~", "~0").replaceAll("/", "~1")}`;
      if (FORBIDDEN_KEYS.has(key)) throw new NotPlain(at, "is a key that no message may have");
      this.#text(key, at, "the key");
      copy[key] = this.of(item, at, depth + 1);
    }
    return copy;
  }

  #text(text: string, path: string, what: string): string {
    this.#grow(text.length, path);
    if (text.includes("\u0000")) throw new NotPlain(path, `${what} holds a NUL character`);
    if (!text.isWellFormed()) throw new NotPlain(path, `${what} holds half of a surrogate pair`);
    return text;
  }

  #grow(bytes: number, path: string): void {
    this.#size += bytes;
    if (this.#size > BODY_MAX) throw new NotPlain(path, `makes the value larger than ${BODY_MAX} bytes`);
  }
}

function numberOf(value: number, path: string): number {
  if (!Number.isFinite(value)) throw new NotPlain(path, `is ${value}, which JSON does not have`);
  // Every double above 2^53 is an integer that may have been rounded before the handler saw it.
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER)
    throw new NotPlain(path, "is a number beyond 2^53 - 1; send it as a text");
  return value;
}
