/** A JSON value as it travels in messages and lies in `jsonb` columns. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** A JSON object. Keys `__proto__`, `constructor` and `prototype` never get this far: the edge refuses them. */
export interface JsonObject {
  readonly [key: string]: Json;
}

/** Narrows a value to a plain JSON object. */
export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
