import { isJsonObject, type Json, type JsonObject } from "./json.ts";

const encoder = new TextEncoder();

/**
 * Keys in the order in which they come back from `jsonb`: by their bytes in UTF-8, shorter ones first; those that are
 * indices before all others, as JavaScript has it. An expression that runs over a map sees the same whether the map was
 * just made, remembered, or read.
 */
export function storedOrder(keys: readonly string[]): readonly string[] {
  const sorted = keys
    .map((key) => ({ key, bytes: encoder.encode(key) }))
    .sort(({ bytes: one }, { bytes: other }) => one.length - other.length || firstDifference(one, other));
  return Object.keys(Object.fromEntries(sorted.map(({ key }) => [key, true])));
}

/** Of two keys of the same length. */
function firstDifference(one: Uint8Array, other: Uint8Array): number {
  return one.reduce((difference, byte, index) => difference || byte - (other[index] as number), 0);
}

/** JSON text of a value as it comes back from `jsonb`. */
export function storedText(value: Json): string {
  return JSON.stringify(value, (_key, inner: Json) =>
    isJsonObject(inner)
      ? Object.fromEntries(storedOrder(Object.keys(inner)).map((key) => [key, (inner as JsonObject)[key]]))
      : inner,
  );
}
