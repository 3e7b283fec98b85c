import type { Revision } from "../../data/shapes.ts";

/** A field of a signal's payload, as the definition declares it. */
export type SignalField = NonNullable<Revision["waits"][number]["fields"]>[number];

/** What was written into each field, by its name; nothing: it is left out. */
export type Written = Readonly<Record<string, string>>;

/** A payload of what was written, and why a field is no JSON yet. The engine says what does not fit. */
export function payloadOf(fields: readonly SignalField[], written: Written) {
  const payload: Record<string, unknown> = {};
  const faults = new Map<string, string>();
  for (const field of fields) {
    const text = written[field.name] ?? "";
    if (text.trim() === "") continue;
    const { value, fault } = fieldValue(field, text);
    if (fault === undefined) payload[field.name] = value;
    else faults.set(field.name, fault);
  }
  return { payload, faults };
}

/** The same payload as JSON to go on with: it names the fields that are still missing. */
export function jsonOfWritten(fields: readonly SignalField[], written: Written): string {
  const missing = fields.flatMap(({ name, required }) => (required ? [[name, null] as const] : []));
  return JSON.stringify({ ...Object.fromEntries(missing), ...payloadOf(fields, written).payload }, null, 2);
}

/** What a payload says, field by field; undefined: the fields cannot say all of it. */
export function writtenOf(fields: readonly SignalField[], payload: unknown): Written | undefined {
  if (typeof payload !== "object" || payload === null || Array.isArray(payload)) return undefined;
  const written: Record<string, string> = {};
  for (const [name, value] of Object.entries(payload)) {
    const field = fields.find((each) => each.name === name);
    if (field === undefined) return undefined;
    if (value === null && field.kind !== "any") continue;
    const text =
      typeof value === "string" && !isJson(field) ? value : JSON.stringify(value, null, isJson(field) ? 2 : 0);
    // Another kind than the field has, or a text of nothing.
    if (text.trim() === "" || JSON.stringify(fieldValue(field, text).value) !== JSON.stringify(value)) return undefined;
    written[name] = text;
  }
  return written;
}

/** Whether a field is written as JSON. */
export function isJson({ kind }: SignalField): boolean {
  return kind === "list" || kind === "object" || kind === "any";
}

function fieldValue(field: SignalField, text: string): { readonly value: unknown; readonly fault?: string } {
  if (isJson(field)) return parsed(text);
  const { kind } = field;
  // What is no number goes as it is: the engine says so, beside the field.
  if (kind === "number" || kind === "integer") return { value: numberOf(text.trim()) ?? text };
  if (kind === "boolean") return { value: text === "true" };
  return { value: text };
}

/** JSON's numbers alone: `Number` takes `0x1F` too. Undefined also of more digits than a number keeps: it would be another. */
function numberOf(text: string): number | undefined {
  const value = Number(text);
  const written = digitsOf(text);
  return written !== undefined && written === digitsOf(String(value)) ? value : undefined;
}

/** A number of JSON in the one spelling that it shares with its equals, `125e-1` for `12.50`; undefined: it is none. */
function digitsOf(text: string): string | undefined {
  const found = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(text);
  if (found === null) return undefined;
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = found;
  const digits = `${whole}${fraction}`.replace(/^0+/, "");
  const short = digits.replace(/0+$/, "");
  return short === "" ? "0" : `${sign}${short}e${Number(exponent) - fraction.length + digits.length - short.length}`;
}

function parsed(text: string): { readonly value: unknown; readonly fault?: string } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { value: null, fault: error instanceof Error ? error.message : String(error) };
  }
}
