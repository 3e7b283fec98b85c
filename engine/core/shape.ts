import type { Shape } from "./definition.ts";
import type { Problem } from "./domain.ts";

/**
 * Compares a value with a shape and lists what is wrong, `path` as a JSON pointer below `pointer`.
 * Objects are strict: an unknown field is a violation. Nothing is ever coerced. Empty list: the value fits.
 */
export function violations(shape: Shape, value: unknown, pointer = ""): Problem[] {
  if (value === undefined) return shape.optional ? [] : [{ path: pointer, message: "is missing" }];
  switch (shape.kind) {
    case "any":
      return [];
    case "string":
      return stringViolations(shape, value, pointer);
    case "number":
    case "integer":
      return numberViolations(shape, value, pointer);
    case "boolean":
      return typeof value === "boolean" ? [] : [wrongKind(pointer, "true or false", value)];
    case "date":
      return isDate(value)
        ? []
        : [wrongKind(pointer, "an ISO 8601 date, or a date-time with its offset", value, "string")];
    case "enum":
      return enumViolations(shape.values, value, pointer);
    case "list":
      return listViolations(shape, value, pointer);
    case "object":
      return objectViolations(shape.fields, value, pointer);
  }
}

/** Appends one segment to a JSON pointer (RFC 6901). */
export function pointerTo(pointer: string, segment: string | number): string {
  return `${pointer}/${String(segment).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

function stringViolations(bounds: Bounds, value: unknown, pointer: string): Problem[] {
  if (typeof value !== "string") return [wrongKind(pointer, "a string", value)];
  // Counted in code points, as PostgreSQL and JSON Schema do: an emoji is one character.
  if (bounds.min === undefined && bounds.max === undefined) return [];
  return boundViolations(bounds, [...value].length, pointer, "characters");
}

function numberViolations(shape: Bounds & { readonly kind: string }, value: unknown, pointer: string): Problem[] {
  if (typeof value !== "number" || !Number.isFinite(value)) {
    return [wrongKind(pointer, shape.kind === "integer" ? "an integer" : "a number", value)];
  }
  if (shape.kind === "integer" && !Number.isSafeInteger(value))
    return [wrongKind(pointer, "an integer", value, "number")];
  return boundViolations(shape, value, pointer, "");
}

function enumViolations(values: readonly string[], value: unknown, pointer: string): Problem[] {
  if (typeof value === "string" && values.includes(value)) return [];
  return [wrongKind(pointer, `one of ${values.join(", ")}`, value, "string")];
}

function listViolations(shape: Bounds & { readonly item: Shape }, value: unknown, pointer: string): Problem[] {
  if (!Array.isArray(value)) return [wrongKind(pointer, "a list", value)];
  const items = value.flatMap((item: unknown, index) =>
    violations(shape.item, item ?? null, pointerTo(pointer, index)),
  );
  return [...boundViolations(shape, value.length, pointer, "items"), ...items];
}

function objectViolations(
  fields: Readonly<Record<string, Shape>> | undefined,
  value: unknown,
  pointer: string,
): Problem[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return [wrongKind(pointer, "an object", value)];
  }
  if (fields === undefined) return [];
  const known = Object.entries(fields).flatMap(([name, field]) => {
    const own: unknown = Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
    return violations(field, own, pointerTo(pointer, name));
  });
  const unknown = Object.keys(value)
    .filter((name) => !Object.hasOwn(fields, name))
    .map((name) => ({ path: pointerTo(pointer, name), message: "is not a known field" }));
  return [...known, ...unknown];
}

function boundViolations(bounds: Bounds, size: number, pointer: string, unit: string): Problem[] {
  const what = unit === "" ? "must be" : "must have";
  const of = unit === "" ? "" : ` ${unit}`;
  if (bounds.min !== undefined && size < bounds.min) {
    return [{ path: pointer, message: `${what} at least ${bounds.min}${of}` }];
  }
  if (bounds.max !== undefined && size > bounds.max) {
    return [{ path: pointer, message: `${what} at most ${bounds.max}${of}` }];
  }
  return [];
}

/** `kind`: what is expected is of this kind, but another one. */
function wrongKind(pointer: string, expected: string, value: unknown, kind?: "string" | "number"): Problem {
  const article = typeof value === kind ? "another" : "a";
  return { path: pointer, message: `must be ${expected}, is ${describe(value, article)}` };
}

/**
 * The words that a decision about a result has recorded since its first version: a fold must come to the same error. They say
 * "another" of every string and number.
 */
export function recordedWords({ message }: Problem): string {
  return message.replace(/, is a (string|number)$/, ", is another $1");
}

/** Names the kind and never the value: a refused input may hold what `sensitive` hides. */
function describe(value: unknown, article: string): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  if (typeof value === "string") return `${article} string`;
  if (typeof value === "number") return `${article} number`;
  return String(value);
}

const ISO_DATE =
  /^(\d{4})-(\d{2})-(\d{2})(T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d))?$/;

/** A date, which begins at midnight UTC, or a date-time with its offset: without one it would be another moment on each machine. */
export function isDate(value: unknown): value is string {
  const match = typeof value === "string" ? ISO_DATE.exec(value) : null;
  if (match === null) return false;
  // `Date` rolls 30 February over to March, so the day is compared with what came out.
  const day = new Date(`${match[1]}-${match[2]}-${match[3]}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().slice(8, 10) === match[3];
}
