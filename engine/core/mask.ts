import { isJsonObject, type Json } from "./json.ts";

/** What stands in the place of a sensitive value. */
export const MASK = "***";
/** Shorter texts are masked only where a whole value equals them: `M` stands in every other word. */
const PART_MIN_LENGTH = 4;

/** Sensitive values of one saga. */
export interface Secrets {
  readonly texts: ReadonlySet<string>;
  readonly numbers: ReadonlySet<number>;
  /** Texts of other sagas that hold secrets of those, and how they are shown. */
  readonly quoted?: ReadonlyMap<string, string>;
}

/** A declared path without its root: `input.applicant.name` → `["applicant", "name"]`. */
export type Path = readonly string[];

/** The value with everything at or below the paths masked. Lists are entered: a path holds for each of their items. */
export function maskAt(value: Json, paths: readonly Path[]): Json {
  if (paths.length === 0) return value;
  if (paths.some((path) => path.length === 0)) return value === null ? null : MASK;
  if (Array.isArray(value)) return value.map((item) => maskAt(item as Json, paths));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const below = paths.filter(([first]) => first === key).map((path) => path.slice(1));
      return [key, maskAt(item, below)];
    }),
  );
}

/** The texts and numbers at or below the paths. Booleans are none: masking every `true` would hide everything. */
export function secretsAt(
  value: Json,
  paths: readonly Path[],
  into: { texts: Set<string>; numbers: Set<number> },
): void {
  if (paths.length === 0) return;
  const whole = paths.some((path) => path.length === 0);
  if (typeof value === "string" && whole && value !== "") into.texts.add(value);
  else if (typeof value === "number" && whole) into.numbers.add(value);
  else if (Array.isArray(value)) for (const item of value) secretsAt(item as Json, paths, into);
  else if (isJsonObject(value)) {
    for (const [key, item] of Object.entries(value)) {
      secretsAt(item, whole ? [[]] : paths.filter(([first]) => first === key).map((path) => path.slice(1)), into);
    }
  }
}

/** The value with every leaf that equals a secret, and every part of a text that is one, masked. Keys stay. */
export function maskValues(value: Json, secrets: Secrets): Json {
  if (secrets.texts.size === 0 && secrets.numbers.size === 0 && !secrets.quoted?.size) return value;
  if (typeof value === "string") return maskText(value, secrets);
  if (typeof value === "number") return secrets.numbers.has(value) ? MASK : value;
  if (Array.isArray(value)) return value.map((item) => maskValues(item as Json, secrets));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, maskValues(item, secrets)]));
}

/** A text for the log, with whatever stands in a payload masked: who reads the log need not be allowed to read payloads. */
export function withoutPayload(text: string, payload: Json): string {
  const secrets = { texts: new Set<string>(), numbers: new Set<number>() };
  secretsAt(payload, [[]], secrets);
  return maskText(text, secrets);
}

/** The text with every secret in it masked, the longest first, so that none leaves its rest behind. */
export function maskText(text: string, secrets: Secrets): string {
  if (secrets.texts.has(text)) return MASK;
  const parts = [...secrets.texts, ...[...secrets.numbers].map(String)]
    .filter((secret) => secret.length >= PART_MIN_LENGTH)
    .sort((a, b) => b.length - a.length);
  return parts.reduce((masked, secret) => masked.replaceAll(secret, MASK), unquoted(text, secrets.quoted));
}

/** What is quoted is found as it was said, before anything in it is masked. */
function unquoted(text: string, quoted: Secrets["quoted"]): string {
  if (quoted === undefined) return text;
  const whole = quoted.get(text);
  if (whole !== undefined) return whole;
  return [...quoted]
    .filter(([said]) => said.length >= PART_MIN_LENGTH)
    .sort(([a], [b]) => b.length - a.length)
    .reduce((masked, [said, shown]) => masked.replaceAll(said, () => shown), text);
}
