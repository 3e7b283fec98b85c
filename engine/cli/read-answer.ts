import * as v from "valibot";

/** Where a schema holds others: themselves, in a list, or by name. */
const PLACES = new Set(["entries", "item", "items", "key", "options", "pipe", "rest", "value", "wrapped"]);

const read = new WeakMap<object, v.GenericSchema>();

/**
 * An answer in the form that a command knows. An engine of a later version may say more: keys that are not known are let
 * through at every depth, and so is a text where one of some is known, as a status, for a saga that was started must not look
 * refused. What is missing or of another type is. Whoever tells such texts apart must expect another one.
 */
export function readAnswer<S extends v.GenericSchema>(schema: S, answer: unknown): v.SafeParseResult<S> {
  const loose = read.get(schema) ?? (loosened(schema) as v.GenericSchema);
  read.set(schema, loose);
  return v.safeParse(loose, answer) as v.SafeParseResult<S>;
}

/** The same schema with loose objects in place of strict ones; what is no schema stays as it is. */
function loosened(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(loosened);
  if (typeof part !== "object" || part === null) return part;
  const { kind } = part as { readonly kind?: unknown };
  // Entries by name; one of them may be called `kind`, and is a schema then.
  if (typeof kind !== "string") return mapped(part, () => true);
  if (kind !== "schema") return part;
  const copy = mapped(part, (name) => PLACES.has(name));
  if (copy["type"] === "picklist") return v.string();
  // A pipe runs what it was made of, not what stands on it.
  if ("pipe" in copy) return v.pipe(...(copy["pipe"] as [v.GenericSchema]));
  return copy["type"] === "strict_object" ? v.looseObject(copy["entries"] as v.ObjectEntries) : copy;
}

function mapped(part: object, holds: (name: string) => boolean): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(part).map(([name, value]) => [name, holds(name) ? loosened(value) : value] as const),
  );
}
