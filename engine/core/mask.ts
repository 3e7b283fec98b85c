import { isJsonObject, type Json } from "./json.ts";

/** What stands in the place of a sensitive value. */
export const MASK = "***";
/** Shorter texts are masked only where a whole value equals them: `M` stands in every other word. */
const PART_MIN_LENGTH = 4;
/** So many texts of so many characters are remembered with how they are shown. */
const KNOWN_MAX = 1_000;
const KNOWN_LENGTH_MAX = 1_000;

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

/** A text for the log, with whatever stands in a payload masked: who reads the log need not be allowed to read payloads. */
export function withoutPayload(text: string, payload: Json): string {
  const secrets = { texts: new Set<string>(), numbers: new Set<number>() };
  secretsAt(payload, [[]], secrets);
  return new Masker(secrets).text(text);
}

/** Masks values and texts by secrets that change no more. What is searched for is sorted once, not anew for each text. */
export class Masker {
  readonly #secrets: Secrets;
  readonly #isEmpty: boolean;
  readonly #parts: readonly string[];
  #partsByStart: ReadonlyMap<string, readonly string[]> | undefined;
  /** The longest first. */
  readonly #quoted: readonly (readonly [string, string])[];
  /** Answers to texts that come again: steps that fail alike say the same. */
  readonly #known = new Map<string, string>();

  constructor(secrets: Secrets) {
    const { texts, numbers, quoted = new Map<string, string>() } = secrets;
    this.#secrets = secrets;
    this.#isEmpty = texts.size === 0 && numbers.size === 0 && quoted.size === 0;
    this.#parts = [...texts, ...[...numbers].map(String)]
      .filter((secret) => secret.length >= PART_MIN_LENGTH)
      .sort((a, b) => b.length - a.length);
    this.#quoted = [...quoted]
      .filter(([said]) => said.length >= PART_MIN_LENGTH)
      .sort(([a], [b]) => b.length - a.length);
  }

  /** The value with every leaf that equals a secret, and every part of a text that is one, masked. Keys stay. */
  value(value: Json): Json {
    if (this.#isEmpty) return value;
    if (typeof value === "string") return this.text(value);
    if (typeof value === "number") return this.#secrets.numbers.has(value) ? MASK : value;
    if (Array.isArray(value)) return value.map((item) => this.value(item as Json));
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.value(item)]));
  }

  /** The text with every secret in it masked, the longest first, so that none leaves its rest behind. */
  text(text: string): string {
    if (this.#isEmpty) return text;
    if (this.#secrets.texts.has(text)) return MASK;
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const said = this.#unquoted(text);
    const masked = this.#partsIn(said).reduce((rest, secret) => rest.replaceAll(secret, MASK), said);
    if (text.length <= KNOWN_LENGTH_MAX && this.#known.size < KNOWN_MAX) this.#known.set(text, masked);
    return masked;
  }

  /** What is quoted is found as it was said, before anything in it is masked. */
  #unquoted(text: string): string {
    const whole = this.#secrets.quoted?.get(text);
    if (whole !== undefined) return whole;
    return this.#quoted.reduce((masked, [said, shown]) => masked.replaceAll(said, () => shown), text);
  }

  /** The secrets that may stand in a text. In a short one only those can that begin with four of its characters in a row. */
  #partsIn(text: string): readonly string[] {
    if (text.length >= this.#parts.length) return this.#parts;
    this.#partsByStart ??= Map.groupBy(this.#parts, (secret) => secret.slice(0, PART_MIN_LENGTH));
    const byStart = this.#partsByStart;
    const starts = new Set<string>();
    for (let at = 0; at + PART_MIN_LENGTH <= text.length; at++) starts.add(text.slice(at, at + PART_MIN_LENGTH));
    const found = [...starts].flatMap((start) => byStart.get(start) ?? []);
    return found.sort((a, b) => b.length - a.length);
  }
}
