import type { Definition } from "../core/definition.ts";
import type { Problem } from "../core/domain.ts";
import { isJsonObject, type Json } from "../core/json.ts";
import { MASK, type Path } from "../core/mask.ts";
import { pointerTo } from "../core/shape.ts";

/** The mask alone or among other words, and not in a longer row of asterisks: a card's number is printed as `**** 0815`. */
const MASK_INSIDE = /(?<!\*)\*{3}(?!\*)/;

/** Where an input has the mask in the place of a sensitive value: it was taken over from what the API shows. */
export function maskedInput(definition: Definition, input: Json): readonly Problem[] {
  return problemsAt(input, pathsBelow(definition, "input"), "", isMask);
}

/** The same for what a signal brings to a wait, by the wait's name. */
export function maskedPayload(definition: Definition, wait: string, payload: Json): readonly Problem[] {
  const paths = pathsBelow(definition, "steps").flatMap(([name, ...rest]) =>
    name === undefined || name === wait ? [rest] : [],
  );
  return problemsAt(payload, paths, "", isMask);
}

/**
 * The same for a result that a person gives, in any place: it is written from what other results are seen to be. Where nothing
 * is sensitive, only a text that is nothing else was masked, for a reader without the right to read payloads.
 */
export function maskedResult({ sensitive }: Definition, result: Json): readonly Problem[] {
  return problemsAt(result, [[]], "/result", sensitive.length === 0 ? isMask : (text) => MASK_INSIDE.test(text));
}

function isMask(text: string): boolean {
  return text === MASK;
}

function pathsBelow({ sensitive }: Definition, root: string): readonly Path[] {
  return sensitive.map((path) => path.split(".")).flatMap(([first, ...rest]) => (first === root ? [rest] : []));
}

/** Lists are entered: a path holds for each of their items, as where it is masked. */
function problemsAt(
  value: Json,
  paths: readonly Path[],
  pointer: string,
  isMasked: (text: string) => boolean,
): readonly Problem[] {
  if (paths.length === 0) return [];
  const whole = paths.some((path) => path.length === 0);
  if (typeof value === "string" && whole && isMasked(value))
    return [{ path: pointer, message: `holds the mask ${MASK}: write the value out` }];
  if (Array.isArray(value))
    return value.flatMap((item, at) => problemsAt(item as Json, paths, pointerTo(pointer, at), isMasked));
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const below = whole ? [[]] : paths.filter(([first]) => first === key).map((path) => path.slice(1));
    return problemsAt(item, below, pointerTo(pointer, key), isMasked);
  });
}
