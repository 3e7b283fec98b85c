import type { Shape } from "../core/definition.ts";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";

/** A day that every `date` may be. */
const SOME_DAY = "2026-01-01";
/** References followed so far; a schema that contains itself ends in null. */
const DEPTH_MAX = 16;

/** The plainest value that fits a shape: first word of an enum, smallest number, shortest text and list; no optional field. */
export function sampleOfShape(shape: Shape): Json {
  switch (shape.kind) {
    case "string":
      return "x".repeat(shape.min ?? 0);
    case "number":
    case "integer": {
      const least = shape.min ?? Math.min(0, shape.max ?? 0);
      return shape.kind === "integer" ? Math.ceil(least) : least;
    }
    case "boolean":
      return false;
    case "date":
      return SOME_DAY;
    case "any":
      return null;
    case "enum":
      return shape.values[0] ?? "";
    case "list":
      return Array.from({ length: shape.min ?? 0 }, () => sampleOfShape(shape.item));
    case "object": {
      const needed = Object.entries(shape.fields ?? {}).filter(([, field]) => !field.optional);
      return Object.fromEntries(needed.map(([name, field]) => [name, sampleOfShape(field)]));
    }
  }
}

/** The same for a JSON schema. What the schema says in code alone is left to the parser to refuse. */
export function sampleOfSchema(schema: Json): Json {
  return sample(schema, schema, 0);
}

function sample(schema: Json | undefined, root: Json, depth: number): Json {
  if (!isJsonObject(schema) || depth > DEPTH_MAX) return null;
  const inner = (part: Json | undefined) => sample(part, root, depth + 1);
  if (typeof schema["$ref"] === "string") return inner(referenced(schema["$ref"], root));
  if (schema["const"] !== undefined) return schema["const"];
  for (const choices of [schema["enum"], schema["anyOf"], schema["oneOf"]]) {
    if (Array.isArray(choices)) return choices === schema["enum"] ? (choices[0] ?? null) : inner(choices[0]);
  }
  const type = Array.isArray(schema["type"]) ? schema["type"][0] : schema["type"];
  if (type === "object") return objectOf(schema, inner);
  if (type === "array") return Array.from({ length: numberIn(schema, "minItems") ?? 0 }, () => inner(schema["items"]));
  if (type === "string") return "x".repeat(numberIn(schema, "minLength") ?? 0);
  if (type === "integer" || type === "number") return leastNumber(schema, type === "integer");
  return type === "boolean" ? false : null;
}

function objectOf(schema: JsonObject, inner: (part: Json | undefined) => Json): Json {
  const fields = isJsonObject(schema["properties"]) ? schema["properties"] : {};
  const required = Array.isArray(schema["required"]) ? schema["required"].map(String) : [];
  return Object.fromEntries(required.map((name) => [name, inner(fields[name])]));
}

function leastNumber(schema: JsonObject, whole: boolean): number {
  const above = numberIn(schema, "exclusiveMinimum");
  const least = numberIn(schema, "minimum") ?? (above === undefined ? undefined : above + 1);
  const most = numberIn(schema, "maximum") ?? 0;
  const value = least ?? Math.min(0, most);
  return whole ? Math.ceil(value) : value;
}

function numberIn(schema: JsonObject, name: string): number | undefined {
  const value = schema[name];
  return typeof value === "number" ? value : undefined;
}

function referenced(pointer: string, root: Json): Json | undefined {
  let at: Json | undefined = root;
  for (const segment of pointer.split("/").slice(1)) at = isJsonObject(at) ? at[segment] : undefined;
  return at;
}
