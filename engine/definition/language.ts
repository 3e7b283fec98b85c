import type { Step } from "../core/definition.ts";
import { FILE_KEYS } from "./language-file.ts";
import { INNER_KEYS } from "./language-inner.ts";
import { STEP_KEYS } from "./language-steps.ts";
import type { Value } from "./language-values.ts";

/** What a step does; in the order in which messages and the reference name them. */
export type Kind = Step["kind"];
export const KINDS: readonly Kind[] = Object.keys({
  ...{ command: true, notify: true, wait: true, sleep: true, choose: true, parallel: true },
  ...{ each: true, saga: true, set: true, fail: true, end: true },
} satisfies Readonly<Record<Kind, true>>) as Kind[];

/** A map of the file in which a key may stand. `step`: in a step of any kind. */
export type Place =
  | "file"
  | "step"
  | Kind
  | "defaults"
  | "retry"
  | "start"
  | "schedule"
  | "in choose"
  | "in each"
  | "in compensate"
  | "in sleep"
  | "in fail"
  | "in end";

/** A key of the language. Parser, JSON Schema and reference are made of this one table. */
export interface LanguageKey {
  readonly key: string;
  readonly in: readonly Place[];
  readonly value: Value;
  /** Its map is nothing without it. */
  readonly required?: true;
  /** What holds without it, as a sentence. */
  readonly otherwise?: string;
  readonly description: string;
  /** Top-level keys of a file, or a list of steps. */
  readonly example: string;
}

/** Every key of the language. */
export const LANGUAGE: readonly LanguageKey[] = [...FILE_KEYS, ...STEP_KEYS, ...INNER_KEYS];

const keysByPlace = new Map<Place, readonly string[]>();

/** The keys that may stand in a map. */
export function keysOf(place: Place): readonly string[] {
  const known = keysByPlace.get(place);
  if (known !== undefined) return known;
  const keys = LANGUAGE.filter((each) => each.in.includes(place)).map(({ key }) => key);
  keysByPlace.set(place, keys);
  return keys;
}
