import type { Json } from "./json.ts";

/** Most bytes of a message body as PostgreSQL writes it; `timeline.event_request` holds it by a check. */
export const BODY_MAX = 262_144;

const encoder = new TextEncoder();

/** Bytes of a value as `jsonb` text: JSON with a blank behind every comma and colon. Never less than what is stored. */
export function storedBytes(value: Json | undefined): number {
  if (value === undefined) return 0;
  if (typeof value === "string") return encoder.encode(JSON.stringify(value)).length;
  // PostgreSQL writes 1e21 with all its digits.
  if (typeof value === "number")
    return Math.max(String(value).length, Math.abs(value) >= 1e21 || (value !== 0 && Math.abs(value) < 1e-6) ? 350 : 0);
  if (value === null || typeof value === "boolean") return 5;
  if (Array.isArray(value)) return value.reduce((sum: number, item: Json) => sum + storedBytes(item) + 2, 2);
  return Object.entries(value).reduce((sum, [key, item]) => sum + storedBytes(key) + storedBytes(item) + 4, 2);
}
