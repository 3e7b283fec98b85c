import type { Json } from "../../core/json.ts";
import type { LineFault } from "./lines.ts";

/** A line's value, or what is wrong with it. */
export type ParsedLine = { readonly value: Json; readonly fault?: undefined } | { readonly fault: LineFault };

/** Reads the JSON object of a line. What its fields must be is for the engine to say. */
export function parseLine(text: string): ParsedLine {
  try {
    const value = JSON.parse(text) as Json;
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? { value }
      : fault(`is ${kindOf(value)}, not an object`, text);
  } catch (error) {
    return fault(`is no JSON: ${error instanceof Error ? error.message : String(error)}`, text);
  }
}

function fault(detail: string, text: string): ParsedLine {
  // A file of one list, or an object written over many lines: the two ways in which JSON is not newline-delimited.
  const whole = /^[[\]{}]/.test(text);
  const hint = whole
    ? "One whole object a line. `jq -c '.[]' FILE` makes lines of a list, `jq -c . FILE` of objects over many lines."
    : "One JSON object a line.";
  return { fault: { code: "request.malformed-json", detail, hint } };
}

function kindOf(value: Json): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : `a ${typeof value}`;
}
